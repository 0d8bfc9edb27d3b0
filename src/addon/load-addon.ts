/**
 * Finds and loads the native addon, or gives the reason why there is none. In a checkout `npm run build`
 * compiles it; the installed package has a binary that was compiled for the release. Every thread loads it
 * for itself.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeAddon } from './native-addon.js';
import { packageFolder, requireOf } from './package-folder.js';

/** Without an addon, `reason` is a sentence for the user: the problem and its remedy. */
export type LoadedAddon =
  | { readonly addon: NativeAddon; readonly reason?: never }
  | {
      readonly addon?: never;
      readonly reason: string;
      /** True if a release has a binary for this system, so that its absence is a fault. */
      readonly isFault: boolean;
    };

/** The system, and the places where the addon is searched. */
export interface AddonSearch {
  readonly platform: string;
  readonly arch: string;
  /** A runtime that imitates Node, such as Bun: there the addon would load, and crash the process. */
  readonly imitator: string | undefined;
  /** The reason why the package, which has the candidates, was not found. */
  readonly lost?: string | undefined;
  /** Absolute paths. The first file that loads is taken. */
  readonly candidates: readonly string[];
  /** True in a checkout, where the addon can be built. */
  readonly isCheckout: boolean;
  /** Returns a module's exports or throws, as `require` does. */
  readonly load: (file: string) => unknown;
}

/** The architectures that a release has binaries for. */
const PREBUILT_ARCHES: readonly string[] = ['x64', 'arm64'];

/** An object and not an array, so that a function that is missing here does not compile. */
const FUNCTIONS: Readonly<Record<keyof NativeAddon, true>> = {
  threadId: true,
  setName: true,
  affinity: true,
  setAffinity: true,
  nice: true,
  setNice: true,
  closeDescriptor: true,
  duplicateDescriptor: true,
  stack: true,
  stackDepth: true,
  watchStack: true,
  unusedStack: true,
  constants: true,
  openSockets: true,
  openTunnel: true,
};

function missingFunctions(exports: unknown): readonly string[] {
  const has = (name: string): boolean =>
    typeof exports === 'object' && exports !== null && typeof Reflect.get(exports, name) === 'function';
  return Object.keys(FUNCTIONS).filter((name) => !has(name));
}

/**
 * Returns true if the module has all functions of the addon. The types of their arguments and results are
 * not checked here: the addon's own tests ensure them.
 */
function isAddon(exports: unknown): exports is NativeAddon {
  return missingFunctions(exports).length === 0;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}

const REBUILD = 'run `npm run build`';

/** Returns the reason why an existing file does not load, with the remedy. */
function loadFailure(file: string, error: unknown, isCheckout: boolean): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
  if (codeOf(error) === 'ERR_DLOPEN_DISABLED') {
    return 'Node was told not to load native addons; start it without --no-addons, or with --allow-addons.';
  }
  if (/Too many open files/i.test(message)) {
    return `The native addon ${file} does not load: ${message}; let the process have more (ulimit -n).`;
  }
  const remedy = isCheckout
    ? `remove native/build and ${REBUILD}`
    : // These are the words of musl's loader; glibc's has others.
      /Error (loading shared library|relocating)/.test(message)
      ? 'a release loads with musl 1.2.3 and newer (Alpine 3.16); take a newer image'
      : message.includes('version `GLIBC_')
        ? 'the system is older than glibc 2.28; take a newer one'
        : 'install the package again';
  return `The native addon ${file} does not load: ${message}; ${remedy}.`;
}

function notThere({ arch, isCheckout }: AddonSearch): string {
  if (isCheckout) {
    return (
      `The native addon is not built: install a C compiler, make and python3 ` +
      `(Debian: apt-get install gcc libc6-dev make python3) and ${REBUILD}.`
    );
  }
  if (!PREBUILT_ARCHES.includes(arch)) {
    return (
      `There is no native addon for linux-${arch}, only for ${PREBUILT_ARCHES.join(' and ')}: ` +
      `build from a checkout.`
    );
  }
  return 'The native addon is not in the package; install the package again.';
}

/** As `loadAddon`, with all that it asks the system for as an argument. */
export function searchAddon(search: AddonSearch): LoadedAddon {
  if (search.platform !== 'linux') {
    return { reason: `The native addon is for Linux only, and this is ${search.platform}.`, isFault: false };
  }
  if (search.imitator !== undefined) {
    return { reason: `The native addon is for Node only, and this is ${search.imitator}.`, isFault: false };
  }
  const isFault = PREBUILT_ARCHES.includes(search.arch);
  if (search.lost !== undefined) return { reason: search.lost, isFault };
  let reason: string | undefined;
  for (const file of search.candidates) {
    try {
      const exports = search.load(file);
      if (isAddon(exports)) return { addon: exports };
      const missing = missingFunctions(exports).join(', ');
      const remedy = search.isCheckout ? REBUILD : 'install the package again';
      reason ??= `The native addon ${file} is of another version, without ${missing}; ${remedy}.`;
    } catch (error) {
      if (codeOf(error) !== 'MODULE_NOT_FOUND') reason ??= loadFailure(file, error, search.isCheckout);
    }
  }
  return { reason: reason ?? notThere(search), isFault };
}

/** Returns the files in the package: the one of the build, and the one of a release for this system. */
function candidatesIn(folder: string): readonly string[] {
  const native = join(folder, 'native');
  return [
    join(native, 'build', 'Release', 'asynctcp.node'),
    join(native, 'prebuilt', `${process.platform}-${process.arch}.node`),
  ];
}

let loaded: LoadedAddon | undefined;

/** Returns the addon, which is loaded at the first call in a thread. */
export function loadAddon(): LoadedAddon {
  if (loaded !== undefined) return loaded;
  const { folder, reason } = packageFolder();
  loaded = searchAddon({
    platform: process.platform,
    arch: process.arch,
    imitator: ['bun', 'deno'].find((name) => name in process.versions),
    lost: reason,
    candidates: folder === undefined ? [] : candidatesIn(folder),
    // Only a checkout has scripts.
    isCheckout: folder !== undefined && existsSync(join(folder, 'scripts', 'build-native.mjs')),
    load: (file): unknown => requireOf(file)(file),
  });
  return loaded;
}
