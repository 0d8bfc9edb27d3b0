/**
 * Finds the folder of this package, which has the addon and the first files of threads. Neither can be part
 * of a bundle. In a bundle the folder is that of the package `asynctcp` that `require` finds from the
 * bundle's place (docs/bundling.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import nodeModule from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_VERSION } from '../support/version.js';

const NAME = 'asynctcp';
/** Folder of the library in the package. This code is in a folder of it, in a checkout as in a release. */
const LIBRARY = 'dist';

/** Without a folder, `reason` is a sentence for the user: the problem and its remedy. */
export type FoundPackage =
  { readonly folder: string; readonly reason?: never } | { readonly folder?: never; readonly reason: string };

/** The place of this code according to the runtime. In a bundle some of it is missing or wrong. */
export interface Whereabouts {
  /** `import.meta.url` of this file or of the bundle. In CommonJS esbuild removes it. */
  readonly url: string | undefined;
  /** `__filename` of CommonJS. */
  readonly file: string | undefined;
  /** `process.argv[1]`. In a single executable it is the executable. */
  readonly program: string | undefined;
}

interface Description {
  readonly name: unknown;
  readonly version: unknown;
}

/** Reads a folder's package.json. If it cannot be read, returns the code of the error. */
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

/** Returns the folder that is the package's, if `file` has this code. */
function ownPackage(file: string): string | undefined {
  const library = dirname(dirname(file));
  return basename(library) === LIBRARY ? dirname(library) : undefined;
}

/**
 * Returns the `require` of `file`. If `createRequire` were imported by its name, webpack would resolve the
 * calls of its result when it makes the bundle.
 */
export function requireOf(file: string): NodeJS.Require {
  return nodeModule.createRequire(file);
}

/** Returns the folder of the package that `require` finds from `file`. */
function installedPackage(file: string): string | undefined {
  try {
    return dirname(requireOf(file).resolve(`${NAME}/package.json`));
  } catch {
    return undefined;
  }
}

/** As `packageFolder`, with all that it asks the runtime for as an argument. */
export function findPackage({ url, file, program }: Whereabouts): FoundPackage {
  // Some bundlers record the path at which they read this file, perhaps on another machine.
  const places = [pathOf(url), file, program].filter((place) => place !== undefined).filter(existsSync);
  let reason: string | undefined;
  for (const place of places) {
    for (const search of [ownPackage, installedPackage]) {
      const folder = search(place);
      if (folder === undefined) continue;
      const description = readDescription(folder);
      // A process that is out of descriptors cannot read the description, but the place is known.
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

/**
 * Returns `__filename`. It is not tested by `typeof`: webpack evaluates that itself, and leaves the name in
 * a module that has none.
 */
function commonJsFile(): string | undefined {
  try {
    return __filename;
  } catch {
    return undefined;
  }
}

let found: FoundPackage | undefined;

/** Returns the folder, which is searched at the first call in a thread. */
export function packageFolder(): FoundPackage {
  // Contrary to its type, the URL may be missing: bundlers remove it.
  const url: string | undefined = import.meta.url;
  found ??= findPackage({
    url,
    file: commonJsFile(),
    program: process.argv[1],
  });
  return found;
}

/**
 * Returns the absolute path of a file of this package that is run or loaded on its own.
 * @param path in the package's folder, such as `dist/task/task-thread-node.js`.
 * @throws Error if the package is not found.
 */
export function packageFile(path: string): string {
  const { folder, reason } = packageFolder();
  if (folder === undefined) throw new Error(reason);
  return join(folder, path);
}
