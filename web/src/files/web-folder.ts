/**
 * A folder whose files are sent: what a file system is to ESPAsyncWebServer. Files are read only through it,
 * and none out of the folder: no `..`, no link to what is outside, no device, and no name that begins with a
 * dot unless an option allows it. A hard link is a file of the folder.
 */
import { resolve } from 'node:path';
import { folderLimitsOf, type FolderLimits } from '../limits.js';
import { validatorsOf } from './conditions.js';
import { FileCache } from './file-cache.js';
import { guardedOpen, type Guard } from './guarded-open.js';
import { MemoryFile, type OpenFile, type WebFile } from './web-file.js';

/** A file that was changed less than this before it was read may change again without a new time. */
const CLOCK_STEP_MS = 100;

/** The file at a path, or the reason why there is none. */
export type Seen = WebFile | 'folder' | 'absent';

export interface WebFolderOptions {
  /** If names that begin with a dot are found. Default: false. */
  dotfiles?: boolean | undefined;
  /** Bounds of the cache. Default: `DEFAULT_FOLDER_LIMITS`. */
  limits?: Partial<FolderLimits> | undefined;
}

export class WebFolder {
  readonly limits: FolderLimits;
  readonly #guard: Guard;
  readonly #cache: FileCache;
  /** Looks under way, so that a small file is read once for all requests that wait for it. */
  readonly #looks = new Map<string, Promise<Seen>>();

  /**
   * Makes a folder; it need not exist yet.
   * @param root path of the folder.
   * @throws RangeError for a limit that is no positive number.
   */
  constructor(root: string, options: WebFolderOptions = {}) {
    this.limits = folderLimitsOf(options.limits);
    this.#guard = { root: resolve(root), dotfiles: options.dotfiles ?? false };
    this.#cache = new FileCache(this.limits.cacheBytes, this.limits.cacheMs);
  }

  /** Returns a folder; a path makes one without a cache. */
  static of(folder: WebFolder | string): WebFolder {
    return typeof folder === 'string' ? new WebFolder(folder, { limits: { cacheBytes: 0 } }) : folder;
  }

  /** The folder's path, absolute. */
  get root(): string {
    return this.#guard.root;
  }

  /** Bytes that the cache holds. */
  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  /** Returns what a path leads to, if the file system need not be asked. */
  peek(path: string): Seen | undefined {
    return this.#cache.get(path);
  }

  /**
   * Finds what a path leads to. The caller closes a file.
   * @param path names below the folder, with slashes between them.
   * @throws HttpError with 403 if the system refuses, and with 503 if no descriptor is left.
   */
  async look(path: string): Promise<Seen> {
    const other = this.#looks.get(path);
    if (other !== undefined) {
      const seen = await other;
      // An open file is the other request's.
      if (typeof seen === 'string' || seen.bytes !== undefined) return seen;
    }
    const look = this.#look(path);
    this.#looks.set(path, look);
    try {
      return await look;
    } finally {
      if (this.#looks.get(path) === look) this.#looks.delete(path);
    }
  }

  async #look(path: string): Promise<Seen> {
    const opened = await guardedOpen(this.#guard, path);
    const { cacheBytes, cachedFileBytes } = this.limits;
    if (typeof opened !== 'string' && opened.size > Math.min(cachedFileBytes, cacheBytes)) {
      this.#cache.delete(path);
      return opened;
    }
    const known = typeof opened === 'string' ? opened : await this.#inMemory(path, opened);
    this.#cache.set(path, known);
    return known;
  }

  async #inMemory(path: string, opened: OpenFile): Promise<MemoryFile> {
    try {
      const known = this.#cache.last(path);
      if (!(known instanceof MemoryFile) || !known.isSettled) return await read(opened);
      const isSame = known.version === opened.version && known.path === opened.path;
      return isSame ? known : await read(opened);
    } finally {
      opened.close();
    }
  }
}

async function read(opened: OpenFile): Promise<MemoryFile> {
  const isSettled = Date.now() - opened.changedAtMs > CLOCK_STEP_MS;
  const bytes = await opened.whole();
  return new MemoryFile(opened, bytes, await validatorsOf(opened), isSettled && bytes.length === opened.size);
}
