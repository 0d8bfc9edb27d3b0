/**
 * The acknowledgement timeout of one connection (contract T3): bytes are in flight, and none of them was
 * acknowledged for so long. It repeats until some are.
 */

/** AsyncTCP's and lwIP's rhythm: two coarse timer ticks of 250 ms. */
export const POLL_INTERVAL_MS = 500;

export class AckTimeout {
  #sinceMs = 0;
  #atMs = Number.POSITIVE_INFINITY;

  /** When it comes, if nothing is acknowledged before. */
  get atMs(): number {
    return this.#atMs;
  }

  /** The time begins: bytes were sent after silence, or some were acknowledged and others not. */
  begin(nowMs: number, timeoutMs: number): void {
    this.#sinceMs = nowMs;
    this.setTimeout(timeoutMs);
  }

  /** Changes the timeout, counted from where it began; 0 is off. */
  setTimeout(timeoutMs: number): void {
    this.#atMs = timeoutMs > 0 ? this.#sinceMs + timeoutMs : Number.POSITIVE_INFINITY;
  }

  /** It has come. Returns the milliseconds for which nothing was acknowledged. */
  came(nowMs: number): number {
    this.#atMs = nowMs + POLL_INTERVAL_MS;
    return nowMs - this.#sinceMs;
  }
}
