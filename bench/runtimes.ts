// Installs Bun and Deno for the benchmark, from their npm packages for this platform, which contain the
// program and need no install script. They are not dependencies of the project.

import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { childEnd, startChild } from './children.js';

interface Package {
  readonly name: string;
  readonly version: string;
  /** The program's path in the package. */
  readonly program: string;
}

const PACKAGES = {
  bun: {
    name: `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : process.arch}`,
    version: '1.4.5',
    program: 'bin/bun',
  },
  deno: { name: `@deno/linux-${process.arch}-glibc`, version: '2.9.6', program: 'deno' },
} as const satisfies Record<string, Package>;

export type InstalledRuntime = keyof typeof PACKAGES;

export const RUNTIME_VERSIONS = { bun: PACKAGES.bun.version, deno: PACKAGES.deno.version };

/** This module runs two levels below the package. */
const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'bench');

const INSTALL_MS_MAX = 300_000;
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

/** Installs a package. Resolves to npm's error message, or to `undefined`. */
async function install(folder: string, { name, version }: Package): Promise<string | undefined> {
  const child = startChild(
    [...INSTALL, '--prefix', folder, `${name}@${version}`],
    ['ignore', 'ignore', 'pipe'],
  );
  const said = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  const status = await childEnd(child, INSTALL_MS_MAX);
  if (status === 0) return undefined;
  const [reason = 'npm failed'] = (await said).split('\n').filter((line) => line !== '');
  return reason;
}

async function runs(program: string): Promise<boolean> {
  return (await childEnd(startChild([program, '--version'], 'ignore'), INSTALL_MS_MAX)) === 0;
}

export interface Installed {
  readonly program: string | undefined;
  /** Reason for which it could not be installed. */
  readonly reason: string;
}

/** Installs a runtime unless it is installed already. */
export async function installRuntime(runtime: InstalledRuntime): Promise<Installed> {
  const wanted = PACKAGES[runtime];
  const folder = join(CACHE, `${runtime}-${wanted.version}`);
  const program = join(folder, 'node_modules', wanted.name, wanted.program);
  if (!existsSync(program)) {
    process.stderr.write(`installing ${wanted.name} ${wanted.version}\n`);
    // Renamed when it is complete, so that an interrupted run leaves no incomplete program.
    const unfinished = `${folder}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    const reason = await install(unfinished, wanted);
    if (reason !== undefined) {
      rmSync(unfinished, { recursive: true, force: true });
      return { program: undefined, reason };
    }
    renameSync(unfinished, folder);
  }
  return (await runs(program))
    ? { program, reason: '' }
    : { program: undefined, reason: `${wanted.name} does not run on this machine` };
}
