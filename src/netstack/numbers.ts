/** Checks of the numbers that callers pass: cheap enough for every call. */

/** Bytes of the largest buffer and window: what window scaling can tell (RFC 7323 §2.3). */
export const MOST_BUFFER_BYTES = 2 ** 30;

/** Returns true for a whole number from 0 to 65535. */
export function isPort(value: number): boolean {
  return (value & 0xffff) === value;
}

/** Returns true for a whole number from 0 to 2³² − 1. */
export function isCount(value: number): boolean {
  return value >>> 0 === value;
}

/** Returns true for the size of a buffer or window, or `undefined`. */
export function isBufferSize(value: number | undefined): boolean {
  return value === undefined || (isCount(value) && value >= 1 && value <= MOST_BUFFER_BYTES);
}

/** Returns true for a finite time of at least 0. */
export function isDuration(ms: number): boolean {
  return ms >= 0 && ms < Number.POSITIVE_INFINITY;
}
