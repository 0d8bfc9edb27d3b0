/**
 * Searches the file that answers a path: itself, its compressed form beside it, or a folder's default file.
 * A search yields the paths to be looked at, takes what they lead to, and asks no file system itself.
 */
import { HttpError } from '../http-error.js';
import type { WebFile } from './web-file.js';
import type { Seen, WebFolder } from './web-folder.js';

/** When a file `name.gz` is sent for `name`. */
export type GzipRule = 'first' | 'last' | 'never';

/** A file that answers a path. */
export interface Found {
  readonly file: WebFile;
  /** Path of the file without `.gz`. */
  readonly path: string;
  readonly isGzip: boolean;
  /** True if another client may get the other form. */
  readonly varies: boolean;
}

export type Search<Result> = Generator<string, Result, Seen>;

/**
 * Looks for a file, and its compressed form.
 * @param accepts if the client takes gzip.
 * @throws HttpError with 406 if there is only a form that the client does not take.
 */
export function* fileAt(path: string, gzip: GzipRule, accepts: boolean): Search<Found | 'folder' | 'absent'> {
  let plain: Seen = 'absent';
  if (gzip !== 'first') {
    plain = yield path;
    if (gzip === 'never' || plain !== 'absent') return found(plain, path, false);
  }
  const packed = yield `${path}.gz`;
  const isPacked = typeof packed !== 'string';
  if (isPacked && accepts) return { file: packed, path, isGzip: true, varies: true };
  if (isPacked) packed.close();
  if (gzip === 'first') plain = yield path;
  if (isPacked && plain === 'absent')
    throw new HttpError(406, 'The file is there for clients that accept gzip');
  return found(plain, path, isPacked);
}

function found(seen: Seen, path: string, varies: boolean): Found | 'folder' | 'absent' {
  return typeof seen === 'string' ? seen : { file: seen, path, isGzip: false, varies };
}

/** Runs a search: at once as far as the folder's cache knows the paths. */
export function run<Result>(folder: WebFolder, search: Search<Result>): Result | Promise<Result> {
  let step = search.next();
  while (step.done !== true) {
    const seen = folder.peek(step.value);
    if (seen === undefined) return runOn(folder, search, step.value);
    step = search.next(seen);
  }
  return step.value;
}

async function runOn<Result>(folder: WebFolder, search: Search<Result>, path: string): Promise<Result> {
  let step = search.next(await folder.look(path));
  while (step.done !== true) {
    step = search.next(folder.peek(step.value) ?? (await folder.look(step.value)));
  }
  return step.value;
}
