/**
 * Sequence numbers (RFC 9293 §3.4): 32 bits, compared modulo 2³². They are kept signed, so that V8 boxes
 * none.
 */
declare const brand: unique symbol;

export type Seq = number & { readonly [brand]: 'sequence number' };

/** Returns the sequence number of the low 32 bits of `value`. */
export function seqOf(value: number): Seq {
  // The one place that makes a number a sequence number.
  return (value | 0) as Seq;
}

export function seqAdd(seq: Seq, bytes: number): Seq {
  return seqOf(seq + bytes);
}

/** Returns `a − b`: positive if `a` is behind `b` in the stream. */
export function seqDiff(a: Seq, b: Seq): number {
  return (a - b) | 0;
}

/** True if `a` comes before `b`. */
export function seqLess(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) < 0;
}

/** True if `a` comes before `b`, or is the same. */
export function seqAtMost(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) <= 0;
}

export function seqMax(a: Seq, b: Seq): Seq {
  return seqLess(a, b) ? b : a;
}

export function seqMin(a: Seq, b: Seq): Seq {
  return seqLess(a, b) ? a : b;
}
