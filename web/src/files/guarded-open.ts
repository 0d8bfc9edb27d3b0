/** Opens a file below a folder so that no link leads out of the folder, also while links change. */
import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { HttpError } from '../http-error.js';
import { namesOf } from './safe-path.js';
import { OpenFile } from './web-file.js';

/** Attempts at a file that is replaced while it is opened. */
const ATTEMPTS = 3;

/** Reads; a FIFO does not wait for its writer; the last name is no link. Windows knows only the first. */
const FLAGS =
  process.platform === 'win32'
    ? constants.O_RDONLY
    : constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Errors of a path that leads to no file. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EISDIR', 'ENXIO', 'EINVAL']);

/** Errors that have an answer of their own. */
const ANSWERS: Readonly<Record<string, number>> = { EACCES: 403, EPERM: 403, EMFILE: 503, ENFILE: 503 };

export interface Guard {
  /** The folder. */
  readonly root: string;
  /** If names that begin with a dot are allowed. */
  readonly dotfiles: boolean;
}

/** The file at a path, or the reason why there is none. */
export type Opened = OpenFile | 'folder' | 'absent';

/**
 * Opens a regular file. A device, a pipe or a socket is absent.
 * @param path names below the folder, with slashes between them.
 * @throws HttpError with 403 if the system refuses, and with 503 if no descriptor is left.
 */
export async function guardedOpen(guard: Guard, path: string): Promise<Opened> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const real = await realPath(guard, path);
    if (real === undefined) return 'absent';
    const opened = await unlessAbsent(openReal(real));
    if (opened !== 'replaced') return opened ?? 'absent';
  }
  return 'absent';
}

/** Returns where a path leads, without links; `undefined` if that is out of the folder, or nowhere. */
async function realPath(guard: Guard, path: string): Promise<string | undefined> {
  const names = namesOf(path, guard.dotfiles);
  if (names === undefined) return undefined;
  const root = await unlessAbsent(realpath(guard.root));
  if (root === undefined) return undefined;
  const real = await unlessAbsent(realpath(join(root, ...names)));
  if (real === undefined) return undefined;
  const below = relative(root, real);
  if (isAbsolute(below)) return undefined;
  // Links and short names of Windows lead to names that were not asked for.
  return namesOf(below.split(sep).join('/'), guard.dotfiles) === undefined ? undefined : real;
}

/** Opens a path without links; 'replaced' if it has become another file, or a link, on the way. */
async function openReal(real: string): Promise<Opened | 'replaced'> {
  // Windows opens no folder.
  if (process.platform === 'win32' && (await lstat(real)).isDirectory()) return 'folder';
  const handle = await open(real, FLAGS);
  let isKept = false;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return stats.isDirectory() ? 'folder' : 'absent';
    if (!(await isAt(real, handle, stats))) return 'replaced';
    isKept = true;
    return new OpenFile(real, handle, stats);
  } finally {
    if (!isKept) await handle.close();
  }
}

/**
 * Returns true if an open file is the one at a path. Linux says where an open file is; elsewhere the file at
 * the path is compared.
 */
async function isAt(real: string, handle: FileHandle, stats: Stats): Promise<boolean> {
  if (process.platform === 'linux') {
    const place = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
    if (place !== undefined) return place === real;
  }
  const [again, found] = await Promise.all([realpath(real), lstat(real)]);
  return again === real && found.dev === stats.dev && found.ino === stats.ino;
}

async function unlessAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (ABSENT.has(code)) return undefined;
    const answer = ANSWERS[code];
    throw answer === undefined ? error : new HttpError(answer, undefined, { cause: error });
  }
}
