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
  /** The piece that was released last: messages of one size, sent one by one, need no new view each. */
  #spare: Buffer | undefined;

  copy(bytes: Uint8Array): Buffer {
    const { length } = bytes;
    if (length > SLAB_BYTES) return Buffer.from(bytes);
    if (this.#slab === undefined || length > SLAB_BYTES - this.#used) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
      this.#spare = undefined;
    }
    this.#slab.set(bytes, this.#used);
    const copy = this.#takeSpare(length) ?? this.#slab.subarray(this.#used, this.#used + length);
    this.#used += length;
    return copy;
  }

  /** The kernel has the piece. Its place is free again if nothing was copied behind it. */
  release(piece: Buffer): void {
    const isLast = piece.buffer === this.#slab?.buffer && piece.byteOffset + piece.length === this.#used;
    if (!isLast) return;
    this.#used = piece.byteOffset;
    this.#spare = piece;
  }

  #takeSpare(length: number): Buffer | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === length && spare.byteOffset === this.#used ? spare : undefined;
  }
}
