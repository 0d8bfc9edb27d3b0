// The libraries of the benchmark's web programs, in pinned versions.

import { createRequire } from 'node:module';
import { join } from 'node:path';

import { CACHE, installInto } from './install.js';

const VERSIONS = {
  express: '5.3.0',
  fastify: '5.12.8',
  hono: '4.13.19',
  '@hono/node-server': '2.1.9',
  ioredis: '6.0.0',
  undici: '7.30.2',
  ws: '8.23.0',
} as const;

const PACKAGES = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);

/** Another version is another folder. */
const FOLDER = join(CACHE, `web-${Object.values(VERSIONS).join('-')}`);

/** Installs the libraries unless they are there. Resolves to the reason if they could not be installed. */
export function installLibraries(): Promise<string | undefined> {
  return installInto(FOLDER, PACKAGES);
}

/** Loads a library. Its type is that of the part that a program uses. */
export function library(name: keyof typeof VERSIONS): unknown {
  return createRequire(join(FOLDER, 'index.js'))(name);
}

/** Returns the names and versions of the libraries. */
export function libraryVersions(): string {
  return PACKAGES.join(', ').replaceAll(/(?<=\w)@/g, ' ');
}
