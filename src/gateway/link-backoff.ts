/**
 * Delays between the attempts of a link: exponential backoff with a cap and full jitter, which spreads the
 * clients of a restarted server over the whole delay.
 */
import type { Random } from '../support/random.js';

export interface BackoffSettings {
  /** Longest delay after the first failure, in milliseconds. */
  readonly firstMs: number;
  /** Factor by which each further failure in a row makes the longest delay longer. */
  readonly factor: number;
  /** Bound of the longest delay, in milliseconds. */
  readonly capMs: number;
  /** `full`: the delay is any time up to the longest one. `none`: it is the longest one. */
  readonly jitter: 'full' | 'none';
}

/**
 * Returns the delay before the next attempt, in milliseconds. A `random` that leaves its range gives the
 * longest delay.
 * @param failures failures in a row, 1 and more.
 */
export function backoffMs(settings: BackoffSettings, failures: number, random: Random): number {
  const { firstMs, factor, capMs, jitter } = settings;
  const longestMs = Math.min(capMs, firstMs * factor ** (failures - 1));
  if (jitter === 'none') return longestMs;
  const share = random();
  return share >= 0 && share < 1 ? share * longestMs : longestMs;
}
