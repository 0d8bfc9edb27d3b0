/** IPv4 headers (RFC 791 §3.1). */
import { checksumOf, sumWords } from './checksum.js';

export const IPV4_HEADER_BYTES = 20;
/** Bytes of the largest packet: the length field can say no more. */
export const MOST_PACKET_BYTES = 65_535;
/** Flags and offset in the word at byte 6. */
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;
export const OFFSET_MASK = 0x1fff;

export interface Ipv4Fields {
  readonly trafficClass: number;
  readonly identification: number;
  /** Flags and fragment offset, as the header has them. */
  readonly fragment: number;
  readonly hopLimit: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
}

/** Writes a header without options in front of `start`; the packet ends at `end`. */
export function writeIpv4(view: DataView, start: number, end: number, fields: Ipv4Fields): void {
  view.setUint16(start, 0x4500 | fields.trafficClass);
  view.setUint16(start + 2, end - start);
  view.setUint16(start + 4, fields.identification);
  view.setUint16(start + 6, fields.fragment);
  view.setUint8(start + 8, fields.hopLimit);
  view.setUint8(start + 9, fields.protocol);
  view.setInt32(start + 12, fields.source);
  view.setInt32(start + 16, fields.destination);
  writeIpv4Checksum(view, start);
}

/** Writes the checksum of the header at `start`, options included. */
export function writeIpv4Checksum(view: DataView, start: number): void {
  view.setUint16(start + 10, 0);
  view.setUint16(start + 10, checksumOf(sumWords(view, start, start + headerBytes4(view, start))));
}

/** Returns the bytes of the header, options included. */
export function headerBytes4(view: DataView, start: number): number {
  return (view.getUint8(start) & 15) * 4;
}

/** Kinds of options (RFC 791 §3.1). */
const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_LOOSE_ROUTE = 131;
const OPTION_STRICT_ROUTE = 137;

/**
 * Checks the options between `start` and `end`: `sourceRoute` asks to be passed on, which a host refuses
 * (RFC 7126 §4.3, §4.4); `malformed` has a length that is none; all others may be skipped (RFC 1122
 * §3.2.1.8).
 */
export function checkOptions4(
  bytes: Uint8Array,
  start: number,
  end: number,
): 'good' | 'malformed' | 'sourceRoute' {
  for (let at = start; at < end;) {
    const kind = bytes[at];
    if (kind === OPTION_END) return 'good';
    if (kind === OPTION_NOP) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? (bytes[at + 1] ?? 0) : 0;
    if (length < 2 || at + length > end) return 'malformed';
    if (kind === OPTION_LOOSE_ROUTE || kind === OPTION_STRICT_ROUTE) return 'sourceRoute';
    at += length;
  }
  return 'good';
}
