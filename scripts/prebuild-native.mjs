// Compiles the addon for a release, for every architecture that the package has a binary for, and looks at what came
// out: it must be for that architecture, and must load with the oldest glibc that Node 20 runs on.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileIn, compiler, missingTools, native, root } from './native.mjs';

/** The compiler for each architecture on the other, its Debian package, and the number in the head of its binaries. */
const TARGETS = {
  x64: { cross: 'x86_64-linux-gnu-gcc', debian: 'gcc-x86-64-linux-gnu libc6-dev-amd64-cross', machine: 62 },
  arm64: {
    cross: 'aarch64-linux-gnu-gcc',
    debian: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross',
    machine: 183,
  },
};

/** The newest glibc that a binary may need is Node 20's own baseline, 2.28. */
const GLIBC_MAJOR = 2;
const GLIBC_MINOR = 28;

function fail(text) {
  console.error(text);
  process.exit(1);
}

function compilerFor(arch) {
  const { cross, debian } = TARGETS[arch];
  const found = arch === process.arch ? compiler() : compiler([cross]);
  return found ?? fail(`The addon for linux-${arch} needs ${cross}: apt-get install ${debian}`);
}

/** What is wrong with the binary, if anything is. */
function fault(file, machine) {
  const bytes = readFileSync(file);
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') return 'is no ELF file';
  // The field e_machine; both architectures are little-endian.
  if (bytes.readUInt16LE(18) !== machine)
    return `is for machine ${bytes.readUInt16LE(18)} and not ${machine}`;
  const needs = [...bytes.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)];
  const tooNew = needs.find(
    ([, major, minor]) =>
      Number(major) > GLIBC_MAJOR || (Number(major) === GLIBC_MAJOR && Number(minor) > GLIBC_MINOR),
  );
  if (tooNew !== undefined) return `needs ${tooNew[0]}: see native/old-glibc.h`;
  return undefined;
}

if (process.platform !== 'linux') fail('The addon can only be compiled for a release on Linux.');
const missing = missingTools();
if (missing.length > 0) fail(`Missing ${missing.join(', ')}: apt-get install gcc libc6-dev make python3`);

mkdirSync(join(native, 'prebuilt'), { recursive: true });
for (const [arch, { machine }] of Object.entries(TARGETS)) {
  const CC = compilerFor(arch);
  const file = compileIn(join(root, 'build', `native-${arch}`), arch, { CC, LINK: CC });
  const wrong = fault(file, machine);
  if (wrong !== undefined) fail(`The addon for linux-${arch} ${wrong}`);
  copyFileSync(file, join(native, 'prebuilt', `linux-${arch}.node`));
}
