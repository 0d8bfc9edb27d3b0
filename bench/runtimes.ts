// Installs Bun and Deno for the benchmark, from their npm packages for this platform, which contain the
// program and need no install script.

import { join } from 'node:path';

import { childEnd, startChild } from './children.js';
import { CACHE, INSTALL_MS_MAX, installInto } from './install.js';

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
  const { name, version, program: path } = PACKAGES[runtime];
  const folder = join(CACHE, `${runtime}-${version}`);
  const reason = await installInto(folder, [`${name}@${version}`]);
  if (reason !== undefined) return { program: undefined, reason };
  const program = join(folder, 'node_modules', name, path);
  return (await runs(program))
    ? { program, reason: '' }
    : { program: undefined, reason: `${name} does not run on this machine` };
}
