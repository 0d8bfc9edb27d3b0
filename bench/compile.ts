// Compiles the programs in C. A binary of the same sources and flags is reused.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { UsageError } from './usage-error.js';

const COMPILER = 'cc';
const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Werror'];
const FLAGS = ['-O2', '-std=c11', ...WARNINGS];

/** This module runs two levels below the package. */
const BUILD = import.meta.dirname;
const SOURCES = join(BUILD, '..', '..', 'bench');

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const file of files) hash.update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Compiles a program if a source, a header or a flag has changed. Returns the binary's path. */
function compile(name: string, sources: readonly string[], headers: readonly string[]): string {
  if (process.platform !== 'linux') throw new UsageError('the benchmark needs Linux (epoll)');
  const binary = join(BUILD, `${name}-${hashOf([...sources, ...headers])}`);
  if (existsSync(binary)) return binary;

  // Renamed when it is complete, so that an interrupted run leaves no incomplete binary.
  const unfinished = `${binary}.${process.pid}`;
  const { error, status } = spawnSync(COMPILER, [...FLAGS, '-o', unfinished, ...sources], {
    stdio: 'inherit',
  });
  if (error !== undefined) {
    throw new UsageError(
      `no C compiler: the benchmark needs \`${COMPILER}\` (Debian, Ubuntu: build-essential; Fedora: gcc)`,
    );
  }
  if (status !== 0) throw new Error(`${COMPILER} could not compile bench/${name} (see above)`);
  renameSync(unfinished, binary);
  return binary;
}

/** Returns the path of the load generator. */
export function compileLoad(): string {
  const folder = join(SOURCES, 'load');
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  return compile(
    'load',
    files.filter((name) => name.endsWith('.c')),
    files.filter((name) => name.endsWith('.h')),
  );
}

/** Returns the path of the server in C. */
export function compileEpollServer(): string {
  return compile('epoll', [join(SOURCES, 'servers', 'epoll.c')], []);
}

/** Returns the compiler's name and version, such as `gcc 12.2.0`. */
export function compilerVersion(): string {
  const { error, stdout: text } = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' });
  // Its binaries are still there and can be measured.
  if (error !== undefined) return 'a compiler that is gone';
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0] ?? '';
  return `${text.includes('clang') ? 'clang' : 'gcc'} ${version}`.trim();
}
