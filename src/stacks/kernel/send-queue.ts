/**
 * What one connection was given to send and the kernel did not take: pieces in order, of which the first
 * `released` bytes may leave. A connection has one only while something waits.
 */
import { MAX_PIECES } from '../../addon/native-sockets.js';
import type { CopySlab } from '../system/copy-slab.js';

export class SendQueue {
  readonly #slab: CopySlab;
  readonly #pieces: Uint8Array[] = [];
  /** The last piece, when it is a copy in the slab that can grow. */
  #lastCopy: Buffer | undefined;
  #bytes = 0;

  constructor(slab: CopySlab) {
    this.#slab = slab;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Copies that follow each other are one piece: many small ones cost no more than a large one. */
  add(bytes: Uint8Array, copy: boolean): void {
    this.#bytes += bytes.length;
    if (!copy) {
      this.#lastCopy = undefined;
      this.#pieces.push(bytes);
      return;
    }
    const joined = this.#lastCopy === undefined ? undefined : this.#slab.extend(this.#lastCopy, bytes);
    this.#lastCopy = joined ?? this.#slab.copy(bytes);
    if (joined === undefined) this.#pieces.push(this.#lastCopy);
    else this.#pieces[this.#pieces.length - 1] = joined;
  }

  /** Views of the first `bytes`, or of as many as `MAX_PIECES` pieces have. */
  front(bytes: number): readonly Uint8Array[] {
    const views: Uint8Array[] = [];
    let left = bytes;
    for (const piece of this.#pieces) {
      if (left <= 0 || views.length === MAX_PIECES) break;
      views.push(piece.length <= left ? piece : piece.subarray(0, left));
      left -= piece.length;
    }
    return views;
  }

  /** The kernel has the first `bytes`. */
  drop(bytes: number): void {
    this.#bytes -= bytes;
    let left = bytes;
    let whole = 0;
    for (const piece of this.#pieces) {
      if (piece.length > left) break;
      left -= piece.length;
      whole += 1;
    }
    this.#pieces.splice(0, whole);
    const first = this.#pieces[0];
    if (first !== undefined && left > 0) this.#pieces[0] = first.subarray(left);
    // A piece that was cut is no longer what the slab knows.
    if (this.#pieces.length <= 1) this.#lastCopy = undefined;
  }
}
