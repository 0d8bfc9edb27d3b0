/** UDP headers (RFC 768). */
import { checksumOf, fold, sumWords } from './checksum.js';

export const PROTOCOL_UDP = 17;
export const UDP_HEADER_BYTES = 8;

/** Writes a header at `start`; the datagram ends at `end`. */
export function writeUdp(
  view: DataView,
  start: number,
  end: number,
  ports: { readonly source: number; readonly destination: number },
  addressSum: number,
): void {
  const length = end - start;
  view.setUint16(start, ports.source);
  view.setUint16(start + 2, ports.destination);
  view.setUint16(start + 4, length);
  view.setUint16(start + 6, 0);
  const checksum = checksumOf(sumWords(view, start, end) + addressSum + PROTOCOL_UDP + length);
  // Zero says that there is none.
  view.setUint16(start + 6, checksum === 0 ? 0xffff : checksum);
}

/**
 * Returns true if the checksum from `start` to `end` is right, or absent where that is allowed: over IPv4
 * (RFC 768), not over IPv6 (RFC 8200 §8.1).
 */
export function hasUdpChecksum(
  view: DataView,
  start: number,
  end: number,
  addressSum: number,
  family: 4 | 6,
): boolean {
  if (view.getUint16(start + 6) === 0) return family === 4;
  return fold(sumWords(view, start, end) + addressSum + PROTOCOL_UDP + (end - start)) === 0xffff;
}
