/**
 * What one connection was given to send and the kernel did not take: pieces in order. A connection has one
 * only while something waits.
 */
import { MAX_PIECES } from '../../addon/native-sockets.js';
import type { CopySlab } from '../system/copy-slab.js';

/**
 * Pieces that have left stay in the array until there are so many, and as many as wait: so leaving costs the
 * same for each.
 */
const COMPACT_AT = 1024;

export class SendQueue {
  readonly #slab: CopySlab;
  /** From `#head` on. */
  readonly #pieces: Uint8Array[] = [];
  /** How long each was when it came: its owner may have detached or shrunk it since. */
  readonly #lengths: number[] = [];
  #head = 0;
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
      this.#push(bytes);
      return;
    }
    const joined = this.#lastCopy === undefined ? undefined : this.#slab.extend(this.#lastCopy, bytes);
    this.#lastCopy = joined ?? this.#slab.copy(bytes);
    if (joined === undefined) this.#push(this.#lastCopy);
    else this.#replace(this.#pieces.length - 1, joined);
  }

  /**
   * Views of the first `bytes`, or of as many as `MAX_PIECES` pieces have; `undefined` when a piece that was
   * lent is not what it was.
   */
  front(bytes: number): readonly Uint8Array[] | undefined {
    const views: Uint8Array[] = [];
    let left = bytes;
    for (let at = this.#head; at < this.#pieces.length && left > 0 && views.length < MAX_PIECES; at += 1) {
      const piece = this.#pieces[at];
      if (piece === undefined || piece.length !== this.#lengths[at]) return undefined;
      views.push(piece.length <= left ? piece : piece.subarray(0, left));
      left -= piece.length;
    }
    return views;
  }

  /** The kernel has the first `bytes`. */
  drop(bytes: number): void {
    this.#bytes -= bytes;
    let left = bytes;
    for (; left > 0; this.#head += 1) {
      const length = this.#lengths[this.#head] ?? left;
      if (length > left) break;
      left -= length;
    }
    const first = this.#pieces[this.#head];
    if (first !== undefined && left > 0) this.#replace(this.#head, first.subarray(left));
    // A piece that was cut is no longer what the slab knows.
    if (this.#head >= this.#pieces.length - 1) this.#lastCopy = undefined;
    if (this.#head >= COMPACT_AT && 2 * this.#head >= this.#pieces.length) this.#compact();
  }

  #push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#lengths.push(piece.length);
  }

  #replace(at: number, piece: Uint8Array): void {
    this.#pieces[at] = piece;
    this.#lengths[at] = piece.length;
  }

  #compact(): void {
    this.#pieces.splice(0, this.#head);
    this.#lengths.splice(0, this.#head);
    this.#head = 0;
  }
}
