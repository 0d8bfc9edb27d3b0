/**
 * How long one and the same callback has been running, as samples of its beat tell. Between two samples no
 * more counts than the sampling thread's own rhythm allows: when the whole process stood still (SIGSTOP, a
 * starved machine), the callback had no time either.
 */
export class BlockedTime {
  #beat = 0;
  #ms = 0;
  #sampledMs = Number.NEGATIVE_INFINITY;

  /**
   * Takes a sample; answers for how many milliseconds the present callback has been seen, 0 between
   * callbacks.
   * @param longestStepMs what counts at most between two samples.
   */
  sample(beat: number, nowMs: number, longestStepMs: number): number {
    const stepMs = Math.min(nowMs - this.#sampledMs, longestStepMs);
    this.#sampledMs = nowMs;
    this.#ms = beat !== 0 && beat === this.#beat ? this.#ms + stepMs : 0;
    this.#beat = beat;
    return this.#ms;
  }
}
