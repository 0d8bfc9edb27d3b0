/**
 * Connections that the program has closed and that the stack still finishes, in the order of their last
 * progress. Bounds their number and the bytes that they hold: past a bound, the one that has gone longest
 * without progress is evicted. All operations take constant time.
 *
 * Call order of an entry: `add` → `progressed`* → `remove`, or its owner's `evict` instead; then `add` again.
 */
import { assert } from '../../support/assert.js';
import { MAX_LINGERING } from './lingering.js';

/** Time without progress after which a closed connection gives its descriptor to a new one. */
export const STALLED_MS = 1000;

/** A closed connection, as the registry sees it. */
export interface Lingerer {
  /**
   * Resets the connection, which has left the registry: a bound was reached. Called from inside `add` and
   * `progressed`, possibly those of another connection: events follow later.
   */
  evict(): void;
}

/** Entry of one connection in the registry; its owner keeps it for life. */
export class LingerEntry {
  readonly owner: Lingerer;
  /** Time of the owner's last progress, on the registry's clock. */
  progressMs = 0;
  /** The fields from here on belong to the registry. */
  bytes = 0;
  isIn = false;
  previous: LingerEntry | undefined;
  next: LingerEntry | undefined;

  constructor(owner: Lingerer) {
    this.owner = owner;
  }
}

export class LingerRegistry {
  readonly #clock: { nowMs(): number };
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #count = 0;
  #bytes = 0;
  /** The entry that has gone longest without progress, and the one that progressed last. */
  #first: LingerEntry | undefined;
  #last: LingerEntry | undefined;

  constructor(
    clock: { nowMs(): number },
    maxCount = MAX_LINGERING,
    maxBytes: number = Number.POSITIVE_INFINITY,
  ) {
    this.#clock = clock;
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  /** Number of connections in the registry. */
  get size(): number {
    return this.#count;
  }

  /** Bytes that the connections in the registry hold together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a connection that holds `bytes`; its close counts as progress. */
  add(entry: LingerEntry, bytes = 0): void {
    assert(!entry.isIn, 'a connection lingers once');
    entry.isIn = true;
    this.#count += 1;
    this.#append(entry, bytes);
    this.#keepBounds();
  }

  /** Notes a sign of progress: the connection now holds `bytes`. */
  progressed(entry: LingerEntry, bytes = 0): void {
    assert(entry.isIn, 'a connection that progresses is in the registry');
    this.#unlink(entry);
    this.#append(entry, bytes);
    this.#keepBounds();
  }

  /** Removes a connection that needs the stack no more; harmless if it was removed already. */
  remove(entry: LingerEntry): void {
    if (!entry.isIn) return;
    this.#unlink(entry);
    entry.isIn = false;
    this.#count -= 1;
  }

  /**
   * Evicts the connection that has gone longest without progress, if it is stalled, because its descriptor is
   * wanted. Returns true if a connection was evicted.
   */
  evictStalled(): boolean {
    const oldest = this.#first;
    if (oldest === undefined || this.#clock.nowMs() < oldest.progressMs + STALLED_MS) return false;
    this.#evict(oldest);
    return true;
  }

  #keepBounds(): void {
    while (this.#first !== undefined && this.#isPastBounds()) this.#evict(this.#first);
  }

  #isPastBounds(): boolean {
    return this.#count > this.#maxCount || this.#bytes > this.#maxBytes;
  }

  #evict(entry: LingerEntry): void {
    this.remove(entry);
    entry.owner.evict();
  }

  #append(entry: LingerEntry, bytes: number): void {
    entry.bytes = bytes;
    entry.progressMs = this.#clock.nowMs();
    this.#bytes += bytes;
    entry.previous = this.#last;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  #unlink(entry: LingerEntry): void {
    this.#bytes -= entry.bytes;
    if (entry.previous === undefined) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }
}
