/**
 * Measures by samples of the beat how long the present callback has been running. The time between two
 * samples counts up to a limit: if the whole process stood still (SIGSTOP, a starved machine), the callback
 * had no time either.
 */
export class BlockedTime {
  #beat = 0;
  #ms = 0;
  #sampledMs = Number.NEGATIVE_INFINITY;

  /**
   * Takes a sample. Returns the milliseconds since the first sample of the present callback, 0 between
   * callbacks.
   * @param longestStepMs the most that counts between two samples.
   */
  sample(beat: number, nowMs: number, longestStepMs: number): number {
    const stepMs = Math.min(nowMs - this.#sampledMs, longestStepMs);
    this.#sampledMs = nowMs;
    this.#ms = beat !== 0 && beat === this.#beat ? this.#ms + stepMs : 0;
    this.#beat = beat;
    return this.#ms;
  }
}
