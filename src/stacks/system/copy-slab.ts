/**
 * Buffer into which `enqueue` copies the caller's bytes, one for all connections of a stack, used from the
 * front. The kernel mostly takes a piece within the call that sends it; then the piece's place is free again
 * at once, and sending allocates nothing. A piece that has to wait keeps its place. A buffer lasts until
 * the garbage collector finds it unused.
 */

/**
 * Largest piece in the buffer; a larger one has a buffer of its own. The size is the most that one read of
 * `node:net` brings.
 */
export const SLAB_BYTES = 65_536;

export class CopySlab {
  #slab: Buffer | undefined;
  #used = 0;
  /** The piece copied last, behind which there is room, and its offset. */
  #last: Buffer | undefined;
  #lastStart = 0;
  /** The piece released last: messages of one size, sent one by one, need no new view each. */
  #spare: Buffer | undefined;

  copy(bytes: Uint8Array): Buffer {
    const { length } = bytes;
    if (length > SLAB_BYTES) return Buffer.from(bytes);
    const slab = this.#slab === undefined || length > SLAB_BYTES - this.#used ? this.#renew() : this.#slab;
    slab.set(bytes, this.#used);
    this.#lastStart = this.#used;
    this.#used += length;
    const spare = this.#spare;
    this.#spare = undefined;
    // No piece was copied since the release of the spare one, or it would be gone: it lies where this piece
    // lies.
    this.#last = spare?.length === length ? spare : slab.subarray(this.#lastStart, this.#used);
    return this.#last;
  }

  /** Copies `bytes` behind `piece`, and returns both as one piece; `undefined` if that is not possible. */
  extend(piece: Buffer, bytes: Uint8Array): Buffer | undefined {
    const slab = this.#slab;
    if (slab === undefined || piece !== this.#last || bytes.length > SLAB_BYTES - this.#used)
      return undefined;
    slab.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#last = slab.subarray(this.#lastStart, this.#used);
    return this.#last;
  }

  /** Frees the place of a piece that the kernel has taken, unless another piece was copied behind it. */
  release(piece: Buffer): void {
    if (piece !== this.#last) return;
    this.#used = this.#lastStart;
    this.#last = undefined;
    this.#spare = piece;
  }

  #renew(): Buffer {
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#used = 0;
    this.#spare = undefined;
    return this.#slab;
  }
}
