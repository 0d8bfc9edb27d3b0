/**
 * Send times of the bytes in flight, for the `timeMs` of `onAck`. The times are kept in a ring of marks, one
 * for each send; when the ring is full, the newest mark also stands for the sends that follow, so that the
 * reported time is never too short.
 */

/** Sends in flight that have marks of their own. */
export const MAX_MARKS = 16;

export class SendClock {
  /** Stream offsets at which the marked sends end, and the times of these sends. */
  readonly #endOffsets = new Float64Array(MAX_MARKS);
  readonly #timesMs = new Float64Array(MAX_MARKS);
  #first = 0;
  #count = 0;
  /** Stream offset up to which bytes were sent before `onAck` was set. */
  readonly #startOffset: number;

  constructor(startOffset = 0) {
    this.#startOffset = startOffset;
  }

  /** Marks a send at `nowMs` of bytes up to `endOffset` of the stream. */
  sent(endOffset: number, nowMs: number): void {
    if (this.#count === MAX_MARKS) {
      this.#endOffsets[(this.#first + this.#count - 1) % MAX_MARKS] = endOffset;
      return;
    }
    const last = (this.#first + this.#count) % MAX_MARKS;
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
      this.#first = (this.#first + 1) % MAX_MARKS;
      this.#count -= 1;
    }
    return elapsedMs;
  }
}
