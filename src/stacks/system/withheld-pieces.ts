/**
 * Bound of the number of pieces that a receiver withholds, beside that of their bytes. A piece costs the
 * process some 270 bytes, also if it is small: a window's worth of single bytes would take many times the
 * window. Past the bound, a stack delivers only every `JOIN_INTERVAL_MS`, and then all received bytes as one
 * piece: memory is bounded, and no connection stalls.
 *
 * The receiver returns bytes, not pieces: a share of the bytes takes the same share of the pieces along.
 */
import { assert } from '../../support/assert.js';

/** Bytes of the window for which one piece may be withheld on its own. */
export const WINDOW_BYTES_PER_PIECE = 256;
/** Pause between two pieces past the bound, in milliseconds. */
export const JOIN_INTERVAL_MS = 100;

export class WithheldPieces {
  readonly #most: number;
  #pieces = 0;
  #bytes = 0;

  constructor(receiveWindowBytes: number) {
    this.#most = Math.max(1, Math.floor(receiveWindowBytes / WINDOW_BYTES_PER_PIECE));
  }

  /** Bytes that are withheld. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * True if further pieces are to be joined, because the receiver withholds as many single ones as it may.
   */
  get isFull(): boolean {
    return this.#pieces >= this.#most;
  }

  /** Counts a piece that was delivered. */
  delivered(bytes: number): void {
    this.#pieces += 1;
    this.#bytes += bytes;
  }

  /** Counts bytes that were given back. */
  returned(bytes: number): void {
    const left = this.#bytes - bytes;
    assert(left >= 0, 'no more is given back than was delivered');
    this.#pieces = left > 0 ? this.#pieces * (left / this.#bytes) : 0;
    this.#bytes = left;
  }
}
