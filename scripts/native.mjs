// Shared by the scripts that compile the addon: its sources, the tools that a machine lacks, and node-gyp.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
export const native = join(root, 'native');

/** Path of this checkout's addon after the build; src/addon/load-addon.ts loads it from there. */
export const built = join(native, 'build', 'Release', 'asynctcp.node');

/** Path of the addon whose system calls fail on demand; test/faults/injecting-addon.ts loads it from there. */
export const faulty = join(root, 'build', 'native-faults', 'build', 'Release', 'asynctcp.node');

/** Returns the paths of the addon's sources. */
export function sources() {
  return readdirSync(native)
    .filter((name) => /\.(c|h|gyp)$/.test(name))
    .map((name) => join(native, name));
}

/** True if a file exists and is newer than all others. */
export function isNewerThan(file, others) {
  const time = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return others.every((other) => statSync(other).mtimeMs < time);
}

/**
 * Returns the root of Node's headers; `undefined` if they are not beside the executable, as in most
 * packages of Node.
 */
export function headers() {
  const folder = process.env.npm_config_nodedir ?? resolve(dirname(process.execPath), '..');
  return existsSync(join(folder, 'include', 'node', 'node_api.h')) ? folder : undefined;
}

function works(command, words, input) {
  return spawnSync(command, words, { input, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

/**
 * Returns the first C compiler that works and finds the headers of the C library; `undefined` if there is
 * none.
 */
export function compiler(candidates = process.env.CC === undefined ? ['cc', 'gcc'] : [process.env.CC]) {
  return candidates.find((command) => works(command, ['-E', '-x', 'c', '-'], '#include <stdlib.h>\n'));
}

/** Returns in words the tools for compiling that this machine lacks. */
export function missingTools() {
  const missing = [];
  if (compiler() === undefined) missing.push('a C compiler with the headers of the C library');
  if (!works('make', ['--version'])) missing.push('make');
  if (!works('python3', ['--version'])) missing.push('python3');
  return missing;
}

/** Runs node-gyp without printing. Returns its success and its output. `env` is added to the environment. */
export function nodeGyp(words, env = {}) {
  const program = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { succeeded: status === 0, output: `${stdout}${stderr}` };
}

/**
 * Compiles the addon in a folder of its own, so that the checkout's build does not change. Unchanged files
 * of an earlier build are reused. Returns the path of the binary; throws an Error with the compiler's
 * output.
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

/** Returns the sources of the addon whose system calls fail on demand. */
export function faultySources() {
  const own = readdirSync(join(native, 'test')).filter((name) => name.startsWith('faults'));
  return [...sources(), ...own.map((name) => join(native, 'test', name))];
}

/** Compiles the addon whose system calls fail on demand, for the tests below `root` or a copy of it. */
export function compileFaulty(testsRoot, env, flags = '') {
  const folder = join(testsRoot, 'build', 'native-faults');
  return compileIn(
    folder,
    process.arch,
    { ...env, CFLAGS: `-DASYNCTCP_FAULTS ${flags}`, LDFLAGS: flags },
    faultySources(),
  );
}
