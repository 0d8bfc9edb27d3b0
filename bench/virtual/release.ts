// The library as a release has it: a few files instead of one for each module. The engine does not fold what
// one module imports from another, which costs netstack some ten percent.

import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** This module runs three levels below the package. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const FOLDER = join(ROOT, 'build', 'release');

/** Makes the release, with the compiled benchmarks in it, and returns the path of a module of this folder. */
export function makeRelease(module: string): string {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const script = join(ROOT, 'scripts', 'bundle.mjs');
  const { status } = spawnSync(process.execPath, [script, join(FOLDER, 'dist')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the release cannot be made');
  copyFileSync(join(ROOT, 'package.json'), join(FOLDER, 'package.json'));
  symlinkSync(join(ROOT, 'native'), join(FOLDER, 'native'));
  // Inside of the release, `asynctcp` is the release.
  cpSync(join(ROOT, 'build', 'bench'), join(FOLDER, 'build', 'bench'), { recursive: true });
  return join(FOLDER, 'build', 'bench', 'virtual', module);
}
