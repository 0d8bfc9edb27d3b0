// What the scripts that compile the addon share: its sources, what a machine lacks to compile it, and
// node-gyp.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
export const native = join(root, 'native');

/** Where the addon of this checkout lies after the build; src/addon/load-addon.ts looks for it there. */
export const built = join(native, 'build', 'Release', 'asynctcp.node');

/** Where the one lies whose system calls fail when a test wants it; test/faults/injecting-addon.ts looks for it there. */
export const faulty = join(root, 'build', 'native-faults', 'build', 'Release', 'asynctcp.node');

/** Whole paths of what the addon is made from. */
export function sources() {
  return readdirSync(native)
    .filter((name) => /\.(c|h|gyp)$/.test(name))
    .map((name) => join(native, name));
}

export function isNewerThan(file, others) {
  const time = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return others.every((other) => statSync(other).mtimeMs < time);
}

/** The root of Node's headers, if they lie beside the executable, as in most packages of Node. */
export function headers() {
  const folder = process.env.npm_config_nodedir ?? resolve(dirname(process.execPath), '..');
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined;
}

function works(command, words, input) {
  return spawnSync(command, words, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

/** The C compiler that is there, and the C library's headers with it. */
export function compiler(candidates = process.env.CC === undefined ? ['cc', 'gcc'] : [process.env.CC]) {
  return candidates.find((command) => works(command, ['-E', '-x', 'c', '-'], '#include <stdlib.h>\n'));
}

/** What is missing on this machine to compile anything, in words. */
export function missingTools() {
  const missing = [];
  if (compiler() === undefined) missing.push('a C compiler with the headers of the C library');
  if (!works('make', ['--version'])) missing.push('make');
  if (!works('python3', ['--version'])) missing.push('python3');
  return missing;
}

/** Runs node-gyp quietly: what it said is told when it failed. `env` is added to the environment. */
export function nodeGyp(words, env = {}) {
  const program = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { succeeded: status === 0, output: `${stdout}${stderr}` };
}

/**
 * Compiles the addon in a folder of its own, so that the checkout's build stays as it is, and gives the path of the
 * binary. What is there from the last time and did not change is kept. Throws with the compiler's words.
 */
export function compileIn(folder, arch, env, parts = sources()) {
  mkdirSync(folder, { recursive: true });
  const names = new Set(parts.map((part) => basename(part)));
  for (const name of readdirSync(folder)) {
    if (/\.(c|h|gyp)$/.test(name) && !names.has(name)) rmSync(join(folder, name));
  }
  for (const part of parts) cpSync(part, join(folder, basename(part)), { preserveTimestamps: true });
  const nodedir = headers();
  const words = ['configure', 'build', '--directory', folder, '--arch', arch];
  const { succeeded, output } = nodeGyp(
    nodedir === undefined ? words : [...words, '--nodedir', nodedir],
    env,
  );
  if (!succeeded) throw new Error(output);
  return join(folder, 'build', 'Release', 'asynctcp.node');
}

/** What the addon for tests of its failures is made from. */
export function faultySources() {
  const own = readdirSync(join(native, 'test')).filter((name) => name.startsWith('faults'));
  return [...sources(), ...own.map((name) => join(native, 'test', name))];
}

/** Compiles that addon for the tests below a folder, which is `root` or a copy of it. */
export function compileFaulty(testsRoot, env, flags = '') {
  const folder = join(testsRoot, 'build', 'native-faults');
  return compileIn(
    folder,
    process.arch,
    { ...env, CFLAGS: `-DASYNCTCP_FAULTS ${flags}`, LDFLAGS: flags },
    faultySources(),
  );
}
