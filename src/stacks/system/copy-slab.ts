/**
 * Where `write` copies the caller's bytes: one buffer for all connections of a stack, used from the front.
 * The kernel mostly takes a piece within the call that sends it; then its place is free again at once, and
 * sending allocates nothing. A piece that has to wait keeps its place until the garbage collector finds
 * that nobody waits any more.
 */

/** A piece larger than this has a buffer of its own. It is what one read of `node:net` brings at most. */
export const SLAB_BYTES = 65_536;

export class CopySlab {
  #slab: Buffer | undefined;
  #used = 0;
  /** The piece copied last, behind which there is room, and where it begins. */
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
    // Nothing was copied since its release, or it would be gone: it lies where this piece lies.
    this.#last = spare?.length === length ? spare : slab.subarray(this.#lastStart, this.#used);
    return this.#last;
  }

  /** Copies `bytes` behind `piece`, and returns both as one piece; `undefined` where that is not possible. */
  extend(piece: Buffer, bytes: Uint8Array): Buffer | undefined {
    const slab = this.#slab;
    if (slab === undefined || piece !== this.#last || bytes.length > SLAB_BYTES - this.#used)
      return undefined;
    slab.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#last = slab.subarray(this.#lastStart, this.#used);
    return this.#last;
  }

  /** The kernel has the piece. Its place is free again if nothing was copied behind it. */
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
