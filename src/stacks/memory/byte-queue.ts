/** Bytes in the order in which they came, in the pieces in which they came. */

interface Piece {
  /** Not empty when it is pushed. */
  readonly bytes: Uint8Array;
  /** Bytes of it that were taken. */
  taken: number;
}

export class ByteQueue {
  #pieces: Piece[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push({ bytes, taken: 0 });
    this.#length += bytes.length;
  }

  /** Takes the first `length` bytes, as a copy; `undefined` if the memory of some was transferred away. */
  take(length: number): Uint8Array | undefined {
    const copy = new Uint8Array(length);
    let filled = 0;
    let finished = 0;
    for (const piece of this.#pieces) {
      if (filled === length) break;
      if (isTakenAway(piece.bytes)) return undefined;
      const part = piece.bytes.subarray(piece.taken, piece.taken + length - filled);
      copy.set(part, filled);
      filled += part.length;
      piece.taken += part.length;
      if (piece.taken === piece.bytes.length) finished += 1;
    }
    this.#pieces.splice(0, finished);
    this.#length -= filled;
    return copy;
  }

  clear(): void {
    this.#pieces = [];
    this.#length = 0;
  }
}

/**
 * Returns true if the memory was transferred away. Checks the buffer too: optimised code of Node 20 may still
 * see the former length of a view.
 */
function isTakenAway(bytes: Uint8Array): boolean {
  return bytes.length === 0 || bytes.buffer.byteLength === 0;
}
