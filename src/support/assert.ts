/** Failure of an invariant of our own code; never the fault of a peer or a user. */
class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/**
 * Checks an invariant of our own. Arguments of users are checked with `TypeError` and `RangeError` instead,
 * and bad bytes of a peer are counted and dropped.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionFailure(`asynctcp: broken invariant: ${invariant}`);
}
