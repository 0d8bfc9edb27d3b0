/** Times of programs on the timeline. */

const NS_PER_MS = 1_000_000;

/**
 * Returns nanoseconds that are not before a time in milliseconds.
 * @throws RangeError unless it is a finite number of at least 0.
 */
export function timeNs(ms: number): number {
  if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`a time must be a number of at least 0, not ${ms}`);
  }
  const ns = Math.ceil(ms * NS_PER_MS);
  return ns / NS_PER_MS < ms ? ns + 1 : ns;
}
