/** The round-trip time and the retransmission timeout that follows from it (RFC 6298). */
import type { TcpProfile } from '../profile.js';

const GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;
const VARIATIONS = 4;
/** Time for which the smallest round trip counts (RFC 8985 §6.2 leaves the length open; Linux: 300 s). */
const SMALLEST_LIFE_MS = 300_000;

export class RoundTrip {
  /** −1 before the first sample. */
  smoothedMs = -1;
  variationMs = 0;
  /** Smallest of the last minutes; `Infinity` before the first sample. */
  smallestMs = Number.POSITIVE_INFINITY;
  #smallestAtMs = 0;

  /** Takes a sample of a segment that was sent once (Karn's rule, §3). */
  add(sampleMs: number, nowMs: number): void {
    if (this.smoothedMs < 0) {
      this.smoothedMs = sampleMs;
      this.variationMs = sampleMs / 2;
    } else {
      // The variation first: it uses the old average (§2.3).
      this.variationMs += VARIATION_GAIN * (Math.abs(this.smoothedMs - sampleMs) - this.variationMs);
      this.smoothedMs += GAIN * (sampleMs - this.smoothedMs);
    }
    if (sampleMs > this.smallestMs && nowMs - this.#smallestAtMs < SMALLEST_LIFE_MS) return;
    this.smallestMs = sampleMs;
    this.#smallestAtMs = nowMs;
  }

  /** Returns the retransmission timeout without backoff. */
  timeoutMs({ initialRtoMs, minRtoMs, maxRtoMs, ticks }: TcpProfile): number {
    if (this.smoothedMs < 0) return initialRtoMs;
    // Linux bounds the variation alone, so that a steady path keeps some room (`tcp_rtt_estimator`).
    const room = Math.max(VARIATIONS * this.variationMs, ticks === undefined ? minRtoMs : ticks.slowMs);
    return Math.min(Math.max(this.smoothedMs + room, minRtoMs), maxRtoMs);
  }
}
