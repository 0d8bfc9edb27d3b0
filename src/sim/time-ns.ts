/** Times of programs on the timeline. */
import { showValue } from '../support/check-options.js';

const NS_PER_MS = 1_000_000;

/**
 * Returns the nanosecond that is nearest to a time in milliseconds: `nowMs + 5` is rounded, and means the
 * nanosecond 5 ms from now all the same.
 * @param name of the time in errors.
 * @throws RangeError unless it is a finite number of at least 0.
 */
export function nearestNs(ms: number, name = 'a time'): number {
  if (typeof ms !== 'number' || !(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${name} must be a number of at least 0, not ${showValue(ms)}`);
  }
  return Math.round(ms * NS_PER_MS);
}

/**
 * Returns the first nanosecond that is not before a time in milliseconds, for what compares times: it would
 * be called in vain before its time.
 * @throws RangeError as `nearestNs`.
 */
export function timeNs(ms: number): number {
  const ns = nearestNs(ms);
  return ns / NS_PER_MS < ms ? ns + 1 : ns;
}
