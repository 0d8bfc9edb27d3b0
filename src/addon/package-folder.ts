/**
 * Finds the folder of this package. The addon and the first files of the threads lie there, and neither can
 * be part of a bundle: in one, the folder is that of the package `asynctcp` which `require` would find from
 * where the bundle lies (docs/bundling.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { PACKAGE_VERSION } from '../support/version.js';

const NAME = 'asynctcp';
/** This file, below the package's folder. */
const OWN_PLACE = join('dist', 'addon', 'package-folder.js');

/** Without a folder, `reason` is a sentence for the user: what is wrong, and what helps. */
export type FoundPackage =
  { readonly folder: string; readonly reason?: never } | { readonly folder?: never; readonly reason: string };

/** What the runtime says about where this code lies. In a bundle some of it is not there, or not true. */
export interface Whereabouts {
  /** `import.meta.url`: of this file or of the bundle; esbuild leaves nothing of it in CommonJS. */
  readonly url: string | undefined;
  /** `__filename` of CommonJS. */
  readonly file: string | undefined;
  /** `process.argv[1]`: in a single executable it is the executable. */
  readonly program: string | undefined;
}

interface Description {
  readonly name: unknown;
  readonly version: unknown;
}

/** A folder's package.json, as far as it is looked at; or why it cannot be read, a code of the system's. */
function readDescription(folder: string): Description | string {
  try {
    const text: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name: Reflect.get(Object(text), 'name'), version: Reflect.get(Object(text), 'version') };
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'broken';
  }
}

function pathOf(url: string | undefined): string | undefined {
  return url?.startsWith('file:') === true ? fileURLToPath(url) : undefined;
}

/** The package that has `file` at its own place in it. */
function ownPackage(file: string): string | undefined {
  return file.endsWith(OWN_PLACE) ? dirname(dirname(dirname(file))) : undefined;
}

/** `require` as `file` has it. By its plain name webpack would resolve its calls when it makes the bundle. */
export function requireOf(file: string): NodeJS.Require {
  return nodeModule.createRequire(file);
}

/** The package that `require` finds from `file`. */
function installedPackage(file: string): string | undefined {
  try {
    return dirname(requireOf(file).resolve(`${NAME}/package.json`));
  } catch {
    return undefined;
  }
}

/** `packageFolder` with everything that it asks the runtime for, for tests. */
export function findPackage({ url, file, program }: Whereabouts): FoundPackage {
  // Some bundlers write down where this file lay when they read it, which may be another machine.
  const places = [pathOf(url), file, program].filter((place) => place !== undefined).filter(existsSync);
  let reason: string | undefined;
  for (const place of places) {
    for (const folder of [ownPackage(place), installedPackage(place)]) {
      if (folder === undefined) continue;
      const description = readDescription(folder);
      // Out of descriptors, a process still knows the package by its place.
      if (description === 'EMFILE' || description === 'ENFILE') return { folder };
      if (typeof description === 'string' || description.name !== NAME) continue;
      if (description.version === PACKAGE_VERSION) return { folder };
      reason ??=
        `This program is a bundle with ${NAME} ${PACKAGE_VERSION}, and ${folder} is version ` +
        `${String(description.version)}: make the bundle anew, or install that version.`;
    }
  }
  const beside = places[0] === undefined ? "the bundle's folder" : dirname(places[0]);
  reason ??=
    `This program is a bundle, and the package ${NAME} is not installed where it lies: ` +
    `put the package into node_modules/${NAME} of ${beside} (docs/bundling.md).`;
  return { reason };
}

/** Not by `typeof`: webpack answers that itself, and leaves the name in a module that has none. */
function commonJsFile(): string | undefined {
  try {
    return __filename;
  } catch {
    return undefined;
  }
}

let found: FoundPackage | undefined;

/** Looks at the first call in a thread. */
export function packageFolder(): FoundPackage {
  // Bundlers leave `import.meta` without its URL where there is none, whatever the types say.
  const url: string | undefined = import.meta.url;
  found ??= findPackage({
    url,
    file: commonJsFile(),
    program: process.argv[1],
  });
  return found;
}

/**
 * Path of a file of this package that is run or loaded on its own.
 * @param path below the package's folder, such as `dist/task/task-thread-node.js`.
 * @throws Error where the package is not found.
 */
export function packageFile(path: string): string {
  const { folder, reason } = packageFolder();
  if (folder === undefined) throw new Error(reason);
  return join(folder, path);
}
