/** Times of programs on the timeline. */
import { showValue } from '../support/check-options.js';

const NS_PER_MS = 1_000_000;

/**
 * Returns nanoseconds that are not before a time in milliseconds.
 * @param name of the time in errors.
 * @throws RangeError unless it is a finite number of at least 0.
 */
export function timeNs(ms: number, name = 'a time'): number {
  if (typeof ms !== 'number' || !(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${name} must be a number of at least 0, not ${showValue(ms)}`);
  }
  const ns = Math.ceil(ms * NS_PER_MS);
  return ns / NS_PER_MS < ms ? ns + 1 : ns;
}
