// Runs the C code of the addon under the address and the undefined-behaviour sanitizer: the C tests as
// programs, and the tests of the addon and the fuzzer in Node, in a copy of the checkout whose addon is
// compiled with the sanitizers.
//     npm run test:native -- [--fuzz seconds] [--seed number]
// With --fuzz only the fuzzer runs, for that time.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileFaulty, compileIn, compiler, missingTools, native, root } from './native.mjs';

const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
/** The same flags as in native/binding.gyp. */
const FLAGS = '-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -pthread';

const FUZZ_SECONDS = '20';
const FUZZ_SEED = '1';

const { values } = parseArgs({ options: { fuzz: { type: 'string' }, seed: { type: 'string' } } });

const folder = join(root, 'build', 'sanitized');

function run(command, words, env = {}) {
  const { status, error } = spawnSync(command, words, {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const SOCKETS = [
  'endpoint.c',
  'sockets.c',
  'sockets-accept.c',
  'sockets-acks.c',
  'sockets-events.c',
  'sockets-poll.c',
  'sockets-send.c',
  'sockets-wake-up.c',
  'test/sockets-world.c',
];

/** The C programs in native/test, and the parts of the addon that they test: none of them needs Node. */
const PROGRAMS = {
  'native-test': ['errno-name.c', 'stack.c', 'thread.c'],
  'endpoint-test': SOCKETS,
  'sockets-test': SOCKETS,
  'polling-test': SOCKETS,
};

function testInC(optimization) {
  for (const [name, parts] of Object.entries(PROGRAMS)) {
    const program = join(folder, `${name}${optimization}`);
    const files = [...parts, join('test', `${name}.c`)].map((part) => join(native, part));
    run(compiler(), [...FLAGS.split(' '), optimization, ...SANITIZERS, '-o', program, ...files]);
    run(program, []);
  }
}

function buildForNode() {
  const flags = SANITIZERS.join(' ');
  const CC = compiler();
  const addon = compileIn(join(folder, 'addon'), process.arch, {
    CC,
    LINK: CC,
    CFLAGS: flags,
    LDFLAGS: flags,
  });
  const placed = join(folder, 'native', 'build', 'Release', 'asynctcp.node');
  mkdirSync(dirname(placed), { recursive: true });
  copyFileSync(addon, placed);
  compileFaulty(folder, { CC, LINK: CC }, flags);
  for (const part of ['package.json', 'dist', join('build', 'test'), join('test', 'peers')]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
}

/** Runs a file of the copy in Node. */
function runNode(words) {
  // Node itself is compiled without the sanitizer, so the sanitizer's runtime must be loaded first. Leaks
  // are not checked, because V8 frees little at its end.
  const runtime = execFileSync(compiler(), ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  run(process.execPath, ['--enable-source-maps', ...words], {
    LD_PRELOAD: runtime,
    ASAN_OPTIONS: 'detect_leaks=0',
    ASYNCTCP_REQUIRE_PEERS: '1',
  });
}

function testInNode() {
  const tests = ['native', 'faults'].flatMap((part) =>
    readdirSync(join(folder, 'build', 'test', part))
      .filter((name) => name.endsWith('.test.js'))
      .map((name) => join('build', 'test', part, name)),
  );
  tests.push(join('build', 'test', 'tap', 'device.test.js'));
  for (const test of tests) runNode(['--test-reporter=spec', test]);
}

function fuzz(seconds, seed) {
  const program = join('build', 'test', 'fuzz', 'fuzz-program.js');
  runNode(['--expose-gc', program, '--seconds', seconds, ...(seed === undefined ? [] : ['--seed', seed])]);
}

const missing = process.platform === 'linux' ? missingTools() : ['Linux'];
if (missing.length > 0) {
  console.error(`The tests of the addon's C need ${missing.join(', ')}.`);
  process.exit(1);
}
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
if (values.fuzz === undefined) {
  testInC('-O0');
  testInC('-O3');
  buildForNode();
  testInNode();
  fuzz(FUZZ_SECONDS, values.seed ?? FUZZ_SEED);
} else {
  buildForNode();
  fuzz(values.fuzz, values.seed);
}
