/**
 * The bytes of one direction of a connection, in a ring that grows up to a limit. Memory comes from a
 * pool and goes back as soon as the ring is empty: an idle connection has none.
 */
import { assert } from '../../support/assert.js';

const SMALLEST_BYTES = 2048;
/** Rings of one size that a pool keeps for later. */
export const MOST_SPARE_RINGS = 64;
/** Below this length a loop copies faster than `set` with its `subarray`. */
const SHORT_COPY_BYTES = 24;
/** Sizes of rings that are kept: up to 1 GiB. */
const SIZES = 31;
const NONE = new Uint8Array(0);

/** Memory of rings, by size: powers of two. */
export class RingPool {
  /** Spare memory by the logarithm of its size. */
  readonly #spare: Uint8Array[][] = Array.from({ length: SIZES }, () => []);

  take(bytes: number): Uint8Array {
    const size = bytes <= SMALLEST_BYTES ? SMALLEST_BYTES : 2 ** (32 - Math.clz32(bytes - 1));
    return this.#spareOf(size)?.pop() ?? new Uint8Array(size);
  }

  give(memory: Uint8Array): void {
    const spare = this.#spareOf(memory.length);
    if (spare !== undefined && spare.length < MOST_SPARE_RINGS) spare.push(memory);
  }

  #spareOf(size: number): Uint8Array[] | undefined {
    return this.#spare[31 - Math.clz32(size)];
  }
}

export function copyBytes(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  if (length === source.length) {
    target.set(source, to);
    return;
  }
  if (length > SHORT_COPY_BYTES) {
    target.set(source.subarray(from, from + length), to);
    return;
  }
  for (let index = 0; index < length; index += 1) target[to + index] = source[from + index] ?? 0;
}

export class ByteRing {
  readonly #pool: RingPool;
  #memory: Uint8Array = NONE;
  #start = 0;
  /** Bytes in order, from the start on. */
  length = 0;

  constructor(pool: RingPool) {
    this.#pool = pool;
  }

  /** Bytes of memory that the ring has. */
  get capacity(): number {
    return this.#memory.length;
  }

  append(bytes: Uint8Array): void {
    this.store(this.length, bytes, 0, bytes.length);
    this.length += bytes.length;
  }

  /** Copies bytes to `offset` from the start, also behind the end; `length` stays as it is. */
  store(offset: number, source: Uint8Array, from: number, bytes: number): void {
    this.#reserve(offset + bytes);
    const memory = this.#memory;
    const at = (this.#start + offset) & (memory.length - 1);
    const first = Math.min(bytes, memory.length - at);
    copyBytes(source, from, memory, at, first);
    if (first < bytes) copyBytes(source, from + first, memory, 0, bytes - first);
  }

  /** Copies `bytes` bytes at `offset` from the start into `target`. */
  copyTo(target: Uint8Array, to: number, offset: number, bytes: number): void {
    assert(offset + bytes <= this.length, 'the ring has the bytes that are read');
    const memory = this.#memory;
    const at = (this.#start + offset) & (memory.length - 1);
    const first = Math.min(bytes, memory.length - at);
    copyBytes(memory, at, target, to, first);
    if (first < bytes) copyBytes(memory, 0, target, to + first, bytes - first);
  }

  /** Returns a view of the first bytes, at most `most` and up to the point where the ring wraps. */
  head(most: number): Uint8Array {
    const bytes = Math.min(most, this.length, this.#memory.length - this.#start);
    return bytes === 0 ? NONE : this.#memory.subarray(this.#start, this.#start + bytes);
  }

  /** Removes the first bytes. @param keeps true: bytes behind the end are kept as well. */
  drop(bytes: number, keeps = false): void {
    assert(bytes <= this.length, 'the ring has the bytes that are dropped');
    this.length -= bytes;
    if (this.length === 0 && !keeps) this.release();
    else this.#start = (this.#start + bytes) & (this.#memory.length - 1);
  }

  /** Gives the memory back. */
  release(): void {
    if (this.#memory.length > 0) this.#pool.give(this.#memory);
    this.#memory = NONE;
    this.#start = this.length = 0;
  }

  #reserve(bytes: number): void {
    const old = this.#memory;
    if (bytes <= old.length) return;
    const memory = this.#pool.take(bytes);
    if (old.length > 0) {
      // Everything is kept, also what is stored behind the end.
      const first = old.length - this.#start;
      copyBytes(old, this.#start, memory, 0, first);
      copyBytes(old, 0, memory, first, this.#start);
      this.#pool.give(old);
    }
    this.#memory = memory;
    this.#start = 0;
  }
}

/** The ring of a connection that has nothing to send. Nothing is put into it. */
export const NO_RING = new ByteRing(new RingPool());
