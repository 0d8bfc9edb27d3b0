/**
 * When the bytes in flight were sent: for the `timeMs` of `onAck`. A ring of marks, one for each send; when
 * it is full, the newest mark also stands for the sends that follow, so that the time told is never too
 * short.
 */

/** Sends in flight whose times are told apart. */
export const MAX_MARKS = 16;

export class SendClock {
  /** Stream offsets at which the marked sends end, and when they were sent. */
  readonly #endOffsets = new Float64Array(MAX_MARKS);
  readonly #timesMs = new Float64Array(MAX_MARKS);
  #first = 0;
  #count = 0;
  /** Up to here the stream was sent before anybody asked. */
  readonly #startOffset: number;

  constructor(startOffset = 0) {
    this.#startOffset = startOffset;
  }

  /** Bytes up to `endOffset` of the stream were sent at `nowMs`. */
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
   * Everything up to `offset` is acknowledged at `nowMs`: milliseconds since the oldest send that this
   * concerns, 0 when it was sent before anybody asked.
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
