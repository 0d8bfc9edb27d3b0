/** A broken promise of our own code: never of a peer's, never of a user's. */
class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/**
 * Checks an invariant of our own. What a user passes is checked with `TypeError` and `RangeError`, what a
 * peer sends is counted and dropped; neither comes here.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new AssertionFailure(`asynctcp: broken invariant: ${invariant}`);
}
