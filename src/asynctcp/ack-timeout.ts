/**
 * The acknowledgement timeout of one connection (contract T3): bytes are in flight, and none of them is
 * acknowledged for the timeout's time. It repeats until bytes are acknowledged.
 */

/** Interval of AsyncTCP's and lwIP's polls: two coarse timer ticks of 250 ms. */
export const POLL_INTERVAL_MS = 500;

export class AckTimeout {
  #sinceMs = 0;
  #atMs = Number.POSITIVE_INFINITY;

  /** Time at which the timeout comes if nothing is acknowledged before. */
  get atMs(): number {
    return this.#atMs;
  }

  /**
   * Starts the time: bytes were sent with nothing in flight, or some were acknowledged and others were not.
   */
  begin(nowMs: number, timeoutMs: number): void {
    this.#sinceMs = nowMs;
    this.setTimeout(timeoutMs);
  }

  /** Changes the timeout, counted from the start; 0 is off. */
  setTimeout(timeoutMs: number): void {
    this.#atMs = timeoutMs > 0 ? this.#sinceMs + timeoutMs : Number.POSITIVE_INFINITY;
  }

  /**
   * Notes that the timeout has come, and sets its next time. Returns the milliseconds for which nothing was
   * acknowledged.
   */
  came(nowMs: number): number {
    this.#atMs = nowMs + POLL_INTERVAL_MS;
    return nowMs - this.#sinceMs;
  }
}
