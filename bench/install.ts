// Installs packages with npm into a cache, without running their scripts. They are not dependencies of the
// project.

import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { childEnd, startChild } from './children.js';

/** This module runs two levels below the package. */
export const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'bench');

export const INSTALL_MS_MAX = 300_000;
const INSTALL = [
  'npm',
  'install',
  '--ignore-scripts',
  '--no-save',
  '--no-package-lock',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
] as const;

/** Runs npm. Resolves to its error message, or to `undefined`. */
async function install(folder: string, packages: readonly string[]): Promise<string | undefined> {
  const child = startChild([...INSTALL, '--prefix', folder, ...packages], ['ignore', 'ignore', 'pipe']);
  const said = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const status = await childEnd(child, INSTALL_MS_MAX);
  if (status === 0) return undefined;
  const [reason = 'npm failed'] = (await said).split('\n').filter((line) => line !== '');
  return reason;
}

/**
 * Installs packages, such as `ws@8.0.0`, into a folder of the cache, unless the folder is there. Resolves to
 * the reason if they could not be installed, otherwise to `undefined`.
 */
export async function installInto(folder: string, packages: readonly string[]): Promise<string | undefined> {
  if (existsSync(folder)) return undefined;
  process.stderr.write(`installing ${packages.join(' ')}\n`);
  // Renamed when it is complete, so that an interrupted run leaves no incomplete folder.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const reason = await install(unfinished, packages);
  if (reason === undefined) renameSync(unfinished, folder);
  else rmSync(unfinished, { recursive: true, force: true });
  return reason;
}
