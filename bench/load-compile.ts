// Compiles the load generator; a binary of the same source and flags is used again.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { UsageError } from './options.js';

const FLAGS = ['-O2', '-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Werror'];

/** Returns the binary's path. `buildDir` is where this module runs, two levels below the package. */
export function compileLoad(buildDir: string = import.meta.dirname): string {
  if (process.platform !== 'linux') throw new UsageError('the load generator needs Linux (epoll)');
  const source = join(buildDir, '..', '..', 'bench', 'load.c');
  const hash = createHash('sha256').update(readFileSync(source)).update(FLAGS.join(' ')).digest('hex');
  const binary = join(buildDir, `loadgen-${hash.slice(0, 16)}`);
  if (existsSync(binary)) return binary;

  // Renamed when it is whole: a run that is interrupted leaves no half of a binary behind.
  const unfinished = `${binary}.${process.pid}`;
  const { error, status } = spawnSync('cc', [...FLAGS, '-o', unfinished, source], { stdio: 'inherit' });
  if (error !== undefined) {
    throw new UsageError(
      'no C compiler: the load generator needs `cc` (Debian, Ubuntu: build-essential; Fedora: gcc)',
    );
  }
  if (status !== 0) throw new Error('cc could not compile the load generator (see above)');
  renameSync(unfinished, binary);
  return binary;
}
