/**
 * Send times of the bytes in flight, for the `timeMs` of `onAck`. The times are kept in a ring of marks, one
 * for each send. The ring grows; when it has all its places and is full, the newest mark also stands for the
 * sends that follow, so that the reported time is never too short.
 */

/** Sends in flight that have marks of their own. */
export const MAX_MARKS = 16;
/** Most connections have no more sends in flight. */
const FIRST_MARKS = 2;

export class SendClock {
  /** Stream offsets at which the marked sends end, and the times of these sends. */
  #endOffsets = new Array<number>(FIRST_MARKS).fill(0);
  #timesMs = new Array<number>(FIRST_MARKS).fill(0);
  #first = 0;
  #count = 0;
  /** Stream offset up to which bytes were sent before `onAck` was set. */
  readonly #startOffset: number;

  constructor(startOffset = 0) {
    this.#startOffset = startOffset;
  }

  get #places(): number {
    return this.#timesMs.length;
  }

  /** Doubles the places of a full ring. */
  #grow(): void {
    this.#endOffsets = fromFirst(this.#endOffsets, this.#first);
    this.#timesMs = fromFirst(this.#timesMs, this.#first);
    this.#first = 0;
  }

  /** Marks a send at `nowMs` of bytes up to `endOffset` of the stream. */
  sent(endOffset: number, nowMs: number): void {
    if (this.#count === MAX_MARKS) {
      this.#endOffsets[(this.#first + this.#count - 1) % MAX_MARKS] = endOffset;
      return;
    }
    if (this.#count === this.#places) this.#grow();
    const last = (this.#first + this.#count) % this.#places;
    this.#endOffsets[last] = endOffset;
    this.#timesMs[last] = nowMs;
    this.#count += 1;
  }

  /**
   * Notes that all bytes up to `offset` are acknowledged at `nowMs`. Returns the milliseconds since the
   * oldest send among them, 0 if it was sent before `onAck` was set.
   */
  acked(offset: number, nowMs: number): number {
    if (this.#count === 0 || offset <= this.#startOffset) return 0;
    const elapsedMs = Math.max(0, nowMs - (this.#timesMs[this.#first] ?? nowMs));
    while (this.#count > 0 && (this.#endOffsets[this.#first] ?? 0) <= offset) {
      this.#first = (this.#first + 1) % this.#places;
      this.#count -= 1;
    }
    return elapsedMs;
  }
}

/** Returns twice the places of a ring, with its numbers in order at the beginning. */
function fromFirst(ring: readonly number[], first: number): number[] {
  return [...ring.slice(first), ...ring.slice(0, first), ...new Array<number>(ring.length).fill(0)];
}
