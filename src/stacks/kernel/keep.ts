/**
 * Memory for received bytes that the program may keep. The pool that they were received into is used anew
 * at the next poll, so they are copied: what is small into the engine's own heap, what is larger into slabs
 * of which a kept piece holds at most `SLAB_BYTES`, what is largest into memory of its own.
 */

/** V8 keeps typed arrays up to this size in its heap, which costs least. */
const HEAP_BYTES = 64;
/** Pieces up to this size share a slab. */
export const SHARED_BYTES = 4096;
const SLAB_BYTES = 16_384;

export class Keeper {
  readonly #pool: Uint8Array;
  #slab = new Uint8Array(SLAB_BYTES);
  #used = 0;

  constructor(pool: ArrayBuffer) {
    this.#pool = new Uint8Array(pool);
  }

  copy(offset: number, bytes: number): Uint8Array {
    if (bytes <= HEAP_BYTES || bytes > SHARED_BYTES) return this.#pool.slice(offset, offset + bytes);
    if (bytes > SLAB_BYTES - this.#used) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const kept = this.#slab.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    kept.set(this.#pool.subarray(offset, offset + bytes));
    return kept;
  }
}
