/**
 * The bytes of one connection that wait to be sent: pieces in order. A connection has a queue only while
 * bytes wait.
 *
 * Call order: `enqueue`* → `release` (or `hold`, and `releaseHeld` when the turn is over) → `flush`, again
 * whenever the kernel takes more.
 */
import { MAX_PIECES, type NativeSockets } from '../../addon/native-sockets.js';
import { SendFlag, type SendFlags } from '../../port/tcp-stack.js';
import type { CopySlab } from '../system/copy-slab.js';
import { TAKEN_AWAY } from './system-error.js';

/**
 * Sent pieces stay in the array until there are this many of them, and at least as many as waiting ones, so
 * that the amortised cost of their removal is constant.
 */
const COMPACT_AT = 1024;

export class SendQueue {
  readonly #slab: CopySlab;
  /** The waiting pieces, from `#head` on. */
  readonly #pieces: Uint8Array[] = [];
  /** Length of each piece when it was enqueued: its owner may have detached or shrunk it since. */
  readonly #lengths: number[] = [];
  #head = 0;
  /** The last piece, when it is a copy in the slab that can grow. */
  #lastCopy: Buffer | undefined;
  #bytes = 0;
  /** Bytes at the front that may leave, and bytes at the front that MORE holds back in this turn. */
  #released = 0;
  #held = 0;
  /** True if the kernel's buffer is full. */
  #isBlocked = false;
  /** True if the last piece was enqueued with MORE. */
  #expectsMore = false;

  constructor(slab: CopySlab) {
    this.#slab = slab;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that were flushed: released, or held back by MORE. */
  get flushed(): number {
    return Math.max(this.#released, this.#held);
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get expectsMore(): boolean {
    return this.#expectsMore;
  }

  /** Allows all bytes to leave. */
  release(): void {
    this.#expectsMore = false;
    this.#released = this.#bytes;
  }

  /** Allows all bytes to leave when this turn is over. Returns true if no bytes were held back before. */
  hold(): boolean {
    this.#expectsMore = false;
    const isFirst = this.#held === 0;
    this.#held = this.#bytes;
    return isFirst;
  }

  releaseHeld(): void {
    this.#released = Math.max(this.#released, this.#held);
    this.#held = 0;
  }

  /** Enqueues bytes that the kernel has refused. The event WRITABLE or a timer says when to try again. */
  keep(bytes: Uint8Array, flags: SendFlags): void {
    this.#isBlocked = true;
    this.enqueue(bytes, flags);
    this.#expectsMore = false;
    this.#released += bytes.length;
  }

  /** Notes that the kernel may take bytes again. */
  unblock(): void {
    this.#isBlocked = false;
  }

  /** Gives the kernel the bytes that may leave, until it takes no more. Returns 0, or its refusal. */
  flush(native: NativeSockets, slot: number): number {
    while (this.#released > 0 && !this.#isBlocked) {
      const pieces = this.front(this.#released);
      const first = pieces?.[0];
      if (pieces === undefined || first === undefined) return TAKEN_AWAY;
      const result = pieces.length === 1 ? native.send(slot, first) : native.sendPieces(slot, pieces);
      const taken = Math.max(0, result);
      this.#isBlocked = taken < sumOf(pieces);
      this.drop(taken);
      if (result < 0) return result;
    }
    return 0;
  }

  /** Enqueues bytes. Joins adjacent copies, so that many small pieces cost no more than a large one. */
  enqueue(bytes: Uint8Array, flags: SendFlags): void {
    this.#bytes += bytes.length;
    this.#expectsMore = (flags & SendFlag.MORE) !== 0;
    if ((flags & SendFlag.COPY) === 0) {
      this.#lastCopy = undefined;
      this.#push(bytes);
      return;
    }
    const joined = this.#lastCopy === undefined ? undefined : this.#slab.extend(this.#lastCopy, bytes);
    this.#lastCopy = joined ?? this.#slab.copy(bytes);
    if (joined === undefined) this.#push(this.#lastCopy);
    else this.#replace(this.#pieces.length - 1, joined);
  }

  /** Copies those of the last `bytes` that still wait: their owner is about to change them. */
  copyLast(bytes: number): void {
    let left = Math.min(bytes, this.#bytes);
    for (let at = this.#pieces.length - 1; left > 0; at -= 1) {
      const piece = this.#pieces[at];
      if (piece === undefined) return;
      this.#replace(at, this.#slab.copy(piece));
      left -= piece.length;
    }
  }

  /**
   * Returns views of the first `bytes`, of `MAX_PIECES` pieces at most; `undefined` if a piece that was lent
   * has been detached or shrunk.
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

  /** Removes the first `bytes`: the kernel has them. */
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
    // The slab cannot extend a piece that was cut.
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
