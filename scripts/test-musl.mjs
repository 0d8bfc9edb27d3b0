// Shows that the addon of a release runs on musl, as on Alpine, though it is compiled with glibc:
// - a host that is linked with musl loads the addon with all its symbols bound, and lets it register itself;
// - the C tests of the sockets run in that host, on the same objects that the addon is linked from;
// - the C code compiles with musl's own headers and passes its tests, as in a build on Alpine;
// - the build of a release refuses binaries that musl does not load (scripts/binary.mjs).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultOf, MUSL_HAS, readBinary } from './binary.mjs';
import { compileIn, compiler, headers, missingTools, native, root } from './native.mjs';

const folder = join(root, 'build', 'musl');
/** The same flags as in native/binding.gyp. */
const FLAGS = '-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -O2 -pthread';
/** musl-gcc skips all of the system's headers; the kernel's headers have no other source. */
const KERNEL_HEADERS = [
  '/usr/include',
  `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
];
const LIBC = `/lib/ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`;
/** The C programs in native/test, their other files there, and the parts of the addon that they test. */
const SOCKETS = /^(endpoint|sockets(?!-addon).*)\.o$/;
const PROGRAMS = [
  { name: 'sockets-test', others: ['sockets-world'], parts: SOCKETS },
  { name: 'polling-test', others: ['sockets-world'], parts: SOCKETS },
  { name: 'endpoint-test', others: ['sockets-world'], parts: SOCKETS },
  { name: 'native-test', others: [], parts: /^(errno-name|stack|thread)\.o$/ },
];

function fail(text) {
  console.error(text);
  process.exit(1);
}

function run(command, words) {
  const { status, signal, error } = spawnSync(command, words, { cwd: folder, stdio: 'inherit' });
  if (error !== undefined) fail(error.message);
  if (status !== 0) fail(`${command} ${words.join(' ')}: ${signal ?? `status ${status}`}`);
}

/** Compiles for musl, with its headers. */
function compileForMusl(output, files, words = []) {
  const kernel = KERNEL_HEADERS.flatMap((each) => ['-idirafter', each]);
  run('musl-gcc', [...FLAGS.split(' '), ...kernel, ...words, '-o', output, ...files]);
}

/** Compiles the host, with an empty function for each symbol that the addon needs from Node. */
function compileHost(needs) {
  const stubs = needs
    .filter((name) => /^(napi|uv)_/.test(name) && name !== 'napi_define_properties')
    .map((name) => `int ${name}(void);\nint ${name}(void) { return 0; }\n`);
  const file = join(folder, 'stubs.c');
  writeFileSync(file, stubs.join(''));
  const host = join(folder, 'musl-host');
  const files = [join(native, 'test', 'musl-host.c'), file];
  compileForMusl(host, files, ['-rdynamic', '-isystem', join(headers(), 'include', 'node')]);
  return host;
}

/** Makes thread-local variables work without a function of glibc's loader; on arm64 that is the default. */
const TLS_FLAGS = process.arch === 'x64' ? ['-mtls-dialect=gnu2'] : [];

/** Links a test and objects of the addon into a library. Returns its path. */
function linkTest(name, files, objects) {
  const library = join(folder, `${name}.so`);
  const words = ['-fPIC', '-shared', ...TLS_FLAGS, '-DASYNCTCP_ON_MUSL', '-o', library];
  run(compiler(), [...FLAGS.split(' '), ...words, ...files, ...objects]);
  return library;
}

/** Checks that a library that does not load on musl is refused, and for the reason that musl gives. */
function checkRefusal(host, name, text, words, expected) {
  const file = join(folder, `${name}.c`);
  const library = join(folder, `${name}.so`);
  writeFileSync(file, text);
  run(compiler(), ['-fPIC', '-shared', ...words, '-o', library, file]);
  const fault = faultOf(library, process.arch);
  if (fault === undefined || !fault.includes(expected))
    fail(`${name} is not refused for ${expected}: ${fault}`);
  const { status, stderr } = spawnSync(host, ['load', library], { encoding: 'utf8' });
  if (status !== 1 || !stderr.includes(expected)) fail(`musl loads ${name}, which is refused: ${stderr}`);
  console.log(`ok: refused, as by musl: ${fault}`);
}

const missing = process.platform === 'linux' ? missingTools() : ['Linux'];
if (spawnSync('musl-gcc', ['--version']).status !== 0)
  missing.push('musl-gcc (Debian: apt-get install musl-tools)');
if (headers() === undefined) missing.push("Node's headers beside it");
if (missing.length > 0) fail(`The test on musl needs ${missing.join(', ')}.`);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const offers = new Set(readBinary(LIBC).offers);
const wrong = [...MUSL_HAS].filter((name) => !offers.has(name));
if (wrong.length > 0)
  fail(`musl does not have ${wrong.join(', ')}, which stand in MUSL_HAS of scripts/binary.mjs`);
console.log(`ok: musl has the ${MUSL_HAS.size} symbols that an addon may need`);

const CC = compiler();
const addon = compileIn(join(root, 'build', `native-${process.arch}`), process.arch, { CC, LINK: CC });
const fault = faultOf(addon, process.arch);
if (fault !== undefined) fail(`The addon ${fault}`);
const host = compileHost(readBinary(addon).needs);
run(host, ['addon', addon, 'openSockets', 'setAffinity', 'unusedStack']);

const objects = join(addon, '..', 'obj.target', 'asynctcp');
for (const { name, others, parts } of PROGRAMS) {
  const files = [name, ...others].map((file) => join(native, 'test', `${file}.c`));
  const compiled = readdirSync(objects).filter((file) => parts.test(file));
  console.log(`${name} in the addon's own objects, on musl`);
  run(host, [
    'run',
    linkTest(
      name,
      files,
      compiled.map((file) => join(objects, file)),
    ),
  ]);
  console.log(`${name} compiled with musl`);
  const program = join(folder, name);
  const sources = compiled.map((file) => join(native, file.replace(/o$/, 'c')));
  compileForMusl(program, [...sources, ...files], ['-DASYNCTCP_ON_MUSL']);
  run(program, []);
}

checkRefusal(
  host,
  'glibc-function',
  '#define _GNU_SOURCE\n#include <sched.h>\nvoid *f(void);\nvoid *f(void) { return CPU_ALLOC(1); }\n',
  [],
  '__sched_cpualloc',
);
const loader = process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2';
checkRefusal(
  host,
  'glibc-loader',
  'void f(void);\nvoid f(void) {}\n',
  ['-Wl,--no-as-needed', `-l:${loader}`],
  loader,
);
