/** IPv6 headers (RFC 8200 §3, §4). */
import { Address } from './address.js';

export const IPV6_HEADER_BYTES = 40;
export const FRAGMENT_HEADER_BYTES = 8;

/** Numbers of the next header (IANA protocol numbers). */
export const NextHeader = {
  HOP_BY_HOP: 0,
  TCP: 6,
  UDP: 17,
  ROUTING: 43,
  FRAGMENT: 44,
  ICMPV6: 58,
  NONE: 59,
  DESTINATION_OPTIONS: 60,
} as const;

export interface Ipv6Fields {
  readonly trafficClass: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Address;
  readonly destination: Address;
}

/** Writes a header at `start`; the packet ends at `end`. */
export function writeIpv6(view: DataView, start: number, end: number, fields: Ipv6Fields): void {
  const { source, destination } = fields;
  view.setInt32(start, 0x6000_0000 | (fields.trafficClass << 20));
  view.setUint16(start + 4, end - start - IPV6_HEADER_BYTES);
  view.setUint8(start + 6, fields.nextHeader);
  view.setUint8(start + 7, fields.hopLimit);
  writeAddress(view, start + 8, source);
  writeAddress(view, start + 24, destination);
}

/** Writes the 16 bytes of an address. */
export function writeAddress(view: DataView, at: number, address: Address): void {
  view.setInt32(at, address.a);
  view.setInt32(at + 4, address.b);
  view.setInt32(at + 8, address.c);
  view.setInt32(at + 12, address.d);
}

/** Extension headers that one packet may have: more are no use to any known sender (RFC 8504 §5.3). */
export const MOST_EXTENSION_HEADERS = 8;
/** Options that one extension header may have (RFC 8504 §5.3). */
export const MOST_OPTIONS = 8;

const PAD1 = 0;
/** Actions for an unknown option, in its two top bits (RFC 8200 §4.2). */
const ACTION_SKIP = 0;
const ACTION_DISCARD = 1;
const ACTION_REPORT_ALL = 2;

/** Result of the check of a header of options. */
export type OptionVerdict =
  | { readonly kind: 'good' }
  | { readonly kind: 'discard' }
  /** Send a parameter problem about the option at `at`; to groups as well if `alsoToGroup`. */
  | { readonly kind: 'report'; readonly at: number; readonly alsoToGroup: boolean };

const GOOD: OptionVerdict = { kind: 'good' };
const DISCARD: OptionVerdict = { kind: 'discard' };
const PADN = 1;
/** Router alert (RFC 2711), which multicast listener discovery sends. */
const ROUTER_ALERT = 5;

/** Checks the options from `start` to `end`, the bytes of one extension header behind its first two. */
export function checkOptions6(bytes: Uint8Array, start: number, end: number): OptionVerdict {
  let options = 0;
  for (let at = start; at < end;) {
    const kind = bytes[at] ?? 0;
    if (kind === PAD1) {
      at += 1;
      continue;
    }
    const length = at + 1 < end ? 2 + (bytes[at + 1] ?? 0) : Infinity;
    options += 1;
    if (at + length > end || options > MOST_OPTIONS) return DISCARD;
    if (kind !== PADN && kind !== ROUTER_ALERT) {
      const action = kind >>> 6;
      if (action === ACTION_DISCARD) return DISCARD;
      if (action !== ACTION_SKIP) return { kind: 'report', at, alsoToGroup: action === ACTION_REPORT_ALL };
    }
    at += length;
  }
  return GOOD;
}

/** A header that is no extension header: its number, and its place, which may lie at or behind the end. */
export interface UpperHeader {
  readonly protocol: number;
  readonly at: number;
  /** Offset of the fragment in bytes, if the packet is one. */
  readonly fragmentOffset: number;
}

/**
 * Returns the header behind the extension headers of a packet, which is not checked; `undefined` if they do
 * not end before the packet does.
 */
export function findUpper6(view: DataView, start: number, end: number): UpperHeader | undefined {
  if (end - start < IPV6_HEADER_BYTES) return undefined;
  let protocol = view.getUint8(start + 6);
  let at = start + IPV6_HEADER_BYTES;
  let fragmentOffset = 0;
  for (let headers = 0; headers <= MOST_EXTENSION_HEADERS; headers += 1) {
    if (!isExtensionHeader(protocol) || fragmentOffset > 0) return { protocol, at, fragmentOffset };
    if (at + 8 > end) return undefined;
    const isFragment = protocol === NextHeader.FRAGMENT;
    if (isFragment) fragmentOffset = view.getUint16(at + 2) & 0xfff8;
    protocol = view.getUint8(at);
    at += isFragment ? FRAGMENT_HEADER_BYTES : (view.getUint8(at + 1) + 1) * 8;
  }
  return undefined;
}

function isExtensionHeader(protocol: number): boolean {
  return (
    protocol === NextHeader.HOP_BY_HOP ||
    protocol === NextHeader.ROUTING ||
    protocol === NextHeader.FRAGMENT ||
    protocol === NextHeader.DESTINATION_OPTIONS
  );
}

/** Reads the 16 bytes of an address. */
export function readAddress(view: DataView, at: number): Address {
  return new Address(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
}
