/** A file to be sent: open, or its bytes in memory. */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Bytes that are read from an open file at a time: what a client that reads slowly costs. */
const PIECE_BYTES = 65_536;

export interface WebFile {
  /** The file's path on the system, without links. */
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Differs when the file has been changed or replaced. */
  readonly version: string;
  /** The content, if it is in memory. */
  readonly bytes: Buffer | undefined;
  /** Headers that tell this version from others, names and values in turn; `undefined`: not known yet. */
  readonly validators: readonly string[] | undefined;
  /** Yields the bytes from `start` to before `end`. */
  pieces(start: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Frees the file. May be called again. */
  close(): void;
}

/** Returns the text that differs when a file has been changed or replaced. */
export function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}

/** An open file. The descriptor is freed by `close`, behind a read that is under way. */
export class OpenFile implements WebFile {
  readonly path: string;
  readonly size: number;
  readonly version: string;
  readonly changedAtMs: number;
  readonly bytes = undefined;
  readonly validators = undefined;
  readonly #handle: FileHandle;
  #isClosed = false;

  constructor(path: string, handle: FileHandle, stats: Stats) {
    this.path = path;
    this.#handle = handle;
    this.size = stats.size;
    this.version = versionOf(stats);
    this.changedAtMs = stats.ctimeMs;
  }

  /** Reads the whole file. Less than `size` bytes if it has been cut off since it was opened. */
  async whole(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(this.size);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  async *pieces(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end && !this.#isClosed;) {
      const room = Math.min(PIECE_BYTES, end - at);
      const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafeSlow(room), 0, room, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle.close().catch(() => undefined);
  }
}

/** A file whose content is in memory. */
export class MemoryFile implements WebFile {
  readonly path: string;
  readonly size: number;
  readonly version: string;
  readonly bytes: Buffer;
  readonly validators: readonly string[];
  /** False if the file may have changed since without another version. */
  readonly isSettled: boolean;

  constructor(
    opened: Pick<OpenFile, 'path' | 'version'>,
    bytes: Buffer,
    validators: readonly string[],
    isSettled: boolean,
  ) {
    this.path = opened.path;
    this.version = opened.version;
    this.size = bytes.length;
    this.bytes = bytes;
    this.validators = validators;
    this.isSettled = isSettled;
  }

  pieces(start: number, end: number): Iterable<Uint8Array> {
    return [this.bytes.subarray(start, end)];
  }

  close(): void {
    // The garbage collector frees it.
  }
}
