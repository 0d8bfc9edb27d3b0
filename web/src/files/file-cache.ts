/** Small files in memory, and paths that lead to none, bounded by bytes; least recently used ones go. */
import type { MemoryFile } from './web-file.js';

/** The file at a path, or the reason why there is none. */
export type Known = MemoryFile | 'folder' | 'absent';

/** Bytes that an entry costs beside the file's content and its name. */
const ENTRY_BYTES = 500;

interface Entry {
  readonly known: Known;
  readonly cost: number;
  /** Until when the entry is right without a look at the file. */
  freshUntilMs: number;
}

export class FileCache {
  /** In the order in which they were used last. */
  readonly #entries = new Map<string, Entry>();
  readonly #limitBytes: number;
  readonly #freshMs: number;
  readonly #now: () => number;
  #bytes = 0;

  /**
   * Makes an empty cache.
   * @param freshMs for how long an entry is right without a look at the file.
   * @param now a clock in milliseconds.
   */
  constructor(limitBytes: number, freshMs: number, now: () => number = () => performance.now()) {
    this.#limitBytes = limitBytes;
    this.#freshMs = freshMs;
    this.#now = now;
  }

  /** Bytes that all entries cost. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns what is known of a path; `undefined` if the file system has to be asked. */
  get(path: string): Known | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined || entry.freshUntilMs <= this.#now()) return undefined;
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry.known;
  }

  /** Returns what was known of a path last. */
  last(path: string): Known | undefined {
    return this.#entries.get(path)?.known;
  }

  /** Keeps what has been found at a path. */
  set(path: string, known: Known): void {
    this.delete(path);
    const cost = ENTRY_BYTES + 2 * path.length + (typeof known === 'string' ? 0 : known.size);
    if (cost > this.#limitBytes) return;
    this.#entries.set(path, { known, cost, freshUntilMs: this.#now() + this.#freshMs });
    this.#bytes += cost;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limitBytes) return;
      this.delete(oldest);
    }
  }

  delete(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= entry.cost;
  }
}
