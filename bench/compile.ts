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

function hashOf(files: readonly string[], flags: readonly string[]): string {
  const hash = createHash('sha256').update(flags.join(' '));
  for (const file of files) hash.update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

interface Program {
  readonly name: string;
  readonly sources: readonly string[];
  readonly headers?: readonly string[];
  readonly flags?: readonly string[];
  /** Flags after the sources: libraries. */
  readonly libraries?: readonly string[];
}

/** Compiles a program if a source, a header or a flag has changed. Returns the binary's path. */
function compile({ name, sources, headers = [], flags = [], libraries = [] }: Program): string {
  if (process.platform !== 'linux') throw new UsageError('the benchmark needs Linux (epoll)');
  const binary = join(
    BUILD,
    `${name}-${hashOf([...sources, ...headers], [...FLAGS, ...flags, ...libraries])}`,
  );
  if (existsSync(binary)) return binary;

  // Renamed when it is complete, so that an interrupted run leaves no incomplete binary.
  const unfinished = `${binary}.${process.pid}`;
  const words = [...FLAGS, ...flags, '-o', unfinished, ...sources, ...libraries];
  const { error, status } = spawnSync(COMPILER, words, { stdio: 'inherit' });
  if (error !== undefined) {
    throw new UsageError(
      `no C compiler: the benchmark needs \`${COMPILER}\` (Debian, Ubuntu: build-essential; Fedora: gcc)`,
    );
  }
  if (status !== 0) throw new Error(`${COMPILER} could not compile bench/${name} (see above)`);
  renameSync(unfinished, binary);
  return binary;
}

function loadProgram(): Program {
  const folder = join(SOURCES, 'load');
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  return {
    name: 'load',
    sources: files.filter((name) => name.endsWith('.c')),
    headers: files.filter((name) => name.endsWith('.h')),
  };
}

/** Returns the path of the load generator. */
export function compileLoad(): string {
  return compile(loadProgram());
}

/** Returns the path of the load generator with TLS, or `undefined` without OpenSSL's headers. */
export function compileTlsLoad(): string | undefined {
  const probe = spawnSync(COMPILER, ['-E', '-include', 'openssl/ssl.h', '-x', 'c', '/dev/null']);
  if (probe.status !== 0) return undefined;
  return compile({
    ...loadProgram(),
    name: 'load-tls',
    flags: ['-DWITH_TLS'],
    libraries: ['-lssl', '-lcrypto'],
  });
}

/** Returns the path of the server in C. */
export function compileEpollServer(): string {
  return compile({ name: 'epoll', sources: [join(SOURCES, 'servers', 'epoll.c')] });
}

/** Returns the compiler's name and version, such as `gcc 12.2.0`. */
export function compilerVersion(): string {
  const { error, stdout: text } = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' });
  // Its binaries are still there and can be measured.
  if (error !== undefined) return 'a compiler that is gone';
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0] ?? '';
  return `${text.includes('clang') ? 'clang' : 'gcc'} ${version}`.trim();
}
