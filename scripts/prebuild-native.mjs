// Compiles the addon for a release, for every architecture of the package, and checks each binary: it must
// be for its architecture, and must load with the oldest glibc that Node 20 runs on and with musl.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf } from './binary.mjs';
import { compileIn, compiler, missingTools, native, root } from './native.mjs';

/** The cross compiler for each architecture, and its Debian package. */
const TARGETS = {
  x64: { cross: 'x86_64-linux-gnu-gcc', debian: 'gcc-x86-64-linux-gnu libc6-dev-amd64-cross' },
  arm64: { cross: 'aarch64-linux-gnu-gcc', debian: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
};

function fail(text) {
  console.error(text);
  process.exit(1);
}

function compilerFor(arch) {
  const { cross, debian } = TARGETS[arch];
  const found = arch === process.arch ? compiler() : compiler([cross]);
  return found ?? fail(`The addon for linux-${arch} needs ${cross}: apt-get install ${debian}`);
}

if (process.platform !== 'linux') fail('The addon can only be compiled for a release on Linux.');
const missing = missingTools();
if (missing.length > 0) fail(`Missing ${missing.join(', ')}: apt-get install gcc libc6-dev make python3`);

mkdirSync(join(native, 'prebuilt'), { recursive: true });
for (const arch of Object.keys(TARGETS)) {
  const CC = compilerFor(arch);
  const file = compileIn(join(root, 'build', `native-${arch}`), arch, { CC, LINK: CC });
  const wrong = faultOf(file, arch);
  if (wrong !== undefined) fail(`The addon for linux-${arch} ${wrong}`);
  copyFileSync(file, join(native, 'prebuilt', `linux-${arch}.node`));
}
