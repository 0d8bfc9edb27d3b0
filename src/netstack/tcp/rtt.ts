/** The round-trip time and the retransmission timeout that follows from it (RFC 6298). */
import type { TcpProfile } from '../profile.js';

const GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;
const VARIATIONS = 4;
/** Time for which the smallest round trip counts (RFC 8985 §6.2 leaves the length open; Linux: 300 s). */
const SMALLEST_LIFE_MS = 300_000;

/** The figures of a connection's round trip: `TimeRow` has them. */
export interface RoundTripTimes {
  /** −1 before the first sample. */
  smoothedRttMs: number;
  rttVariationMs: number;
  /** Smallest of the last minutes; `Infinity` before the first sample. */
  smallestRttMs: number;
  smallestRttAtMs: number;
}

export function beginRoundTrip(times: RoundTripTimes): void {
  times.smoothedRttMs = -1;
  times.smallestRttMs = Number.POSITIVE_INFINITY;
}

/** Takes a sample of a segment that was sent once (Karn's rule, §3). */
export function addSample(times: RoundTripTimes, sampleMs: number, nowMs: number): void {
  const smoothedMs = times.smoothedRttMs;
  if (smoothedMs < 0) {
    times.smoothedRttMs = sampleMs;
    times.rttVariationMs = sampleMs / 2;
  } else {
    // The variation first: it uses the old average (§2.3).
    const variationMs = times.rttVariationMs;
    times.rttVariationMs = variationMs + VARIATION_GAIN * (Math.abs(smoothedMs - sampleMs) - variationMs);
    times.smoothedRttMs = smoothedMs + GAIN * (sampleMs - smoothedMs);
  }
  if (sampleMs > times.smallestRttMs && nowMs - times.smallestRttAtMs < SMALLEST_LIFE_MS) return;
  times.smallestRttMs = sampleMs;
  times.smallestRttAtMs = nowMs;
}

/** Returns the retransmission timeout without backoff. */
export function timeoutMs(times: RoundTripTimes, profile: TcpProfile): number {
  const { initialRtoMs, minRtoMs, maxRtoMs, ticks } = profile;
  const smoothedMs = times.smoothedRttMs;
  if (smoothedMs < 0) return initialRtoMs;
  // Linux bounds the variation alone, so that a steady path keeps some room (`tcp_rtt_estimator`).
  const room = Math.max(VARIATIONS * times.rttVariationMs, ticks === undefined ? minRtoMs : ticks.slowMs);
  return Math.min(Math.max(smoothedMs + room, minRtoMs), maxRtoMs);
}
