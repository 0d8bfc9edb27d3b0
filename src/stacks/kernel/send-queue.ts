/**
 * What one connection was given to send and the kernel did not take: pieces in order. A connection has one
 * only while something waits.
 *
 * Call order: `add`* → `release` (or `hold`, and `releaseHeld` when the turn of the loop is over) → `leave`,
 * again whenever the kernel takes more.
 */
import { MAX_PIECES, type NativeSockets } from '../../addon/native-sockets.js';
import type { CopySlab } from '../system/copy-slab.js';
import { TAKEN_AWAY } from './system-error.js';

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
  /** The first bytes that may leave, and those that MORE holds back in this turn. */
  #released = 0;
  #held = 0;
  /** The kernel's buffer is full. */
  #isFull = false;

  constructor(slab: CopySlab) {
    this.#slab = slab;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All of it may leave. */
  release(): void {
    this.#released = this.#bytes;
  }

  /** All of it may leave when this turn is over, if it does not before. Whether nothing was held already. */
  hold(): boolean {
    const isFirst = this.#held === 0;
    this.#held = this.#bytes;
    return isFirst;
  }

  releaseHeld(): void {
    this.#released = Math.max(this.#released, this.#held);
    this.#held = 0;
  }

  /** What was to leave and did not: WRITABLE or the clock says when it is tried again. */
  keep(bytes: Uint8Array, copy: boolean): void {
    this.#isFull = true;
    this.add(bytes, copy);
    this.#released += bytes.length;
  }

  /** The kernel may take bytes again. */
  writable(): void {
    this.#isFull = false;
  }

  /** Gives the kernel what may leave, until it takes no more. 0, or its refusal. */
  leave(native: NativeSockets, slot: number): number {
    while (this.#released > 0 && !this.#isFull) {
      const pieces = this.front(this.#released);
      const first = pieces?.[0];
      if (pieces === undefined || first === undefined) return TAKEN_AWAY;
      const result = pieces.length === 1 ? native.send(slot, first) : native.sendPieces(slot, pieces);
      const taken = Math.max(0, result);
      this.#isFull = taken < sumOf(pieces);
      this.drop(taken);
      if (result < 0) return result;
    }
    return 0;
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
      // Optimised code of Node 20 may still see the former length of a view whose buffer was detached.
      if (piece.buffer.byteLength === 0) return undefined;
      views.push(piece.length <= left ? piece : piece.subarray(0, left));
      left -= piece.length;
    }
    return views;
  }

  /** The kernel has the first `bytes`. */
  drop(bytes: number): void {
    this.#bytes -= bytes;
    this.#released = Math.max(0, this.#released - bytes);
    this.#held = Math.max(0, this.#held - bytes);
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

function sumOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}
