/** ICMP (RFC 792, RFC 1122 §3.2.2) and ICMPv6 (RFC 4443): types, codes, checksums. */
import { checksumOf, fold, sumWords } from './checksum.js';

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_ICMPV6 = 58;
/** Bytes in front of an echo's data, and of the packet that an error quotes. */
export const ICMP_HEADER_BYTES = 8;

export const Icmp4 = {
  ECHO_REPLY: 0,
  UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO: 8,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
} as const;

/** Codes of `Icmp4.UNREACHABLE`. */
export const Unreachable4 = { NETWORK: 0, HOST: 1, PROTOCOL: 2, PORT: 3, TOO_BIG: 4 } as const;

export const Icmp6 = {
  UNREACHABLE: 1,
  TOO_BIG: 2,
  TIME_EXCEEDED: 3,
  PARAMETER_PROBLEM: 4,
  ECHO: 128,
  ECHO_REPLY: 129,
  LISTENER_QUERY: 130,
  LISTENER_REPORT: 131,
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
  NEIGHBOUR_SOLICITATION: 135,
  NEIGHBOUR_ADVERTISEMENT: 136,
  REDIRECT: 137,
  LISTENER_REPORT_2: 143,
} as const;

/** Codes of `Icmp6.UNREACHABLE`. */
export const Unreachable6 = { NO_ROUTE: 0, PROHIBITED: 1, SCOPE: 2, ADDRESS: 3, PORT: 4 } as const;
/** Codes of `Icmp6.PARAMETER_PROBLEM`. */
export const Problem6 = { HEADER: 0, NEXT_HEADER: 1, OPTION: 2, INCOMPLETE_CHAIN: 3 } as const;
/** Codes of time exceeded, the same in both families. */
export const TimeExceeded = { HOP_LIMIT: 0, REASSEMBLY: 1 } as const;

/** Returns true if the type is that of an error, which no error is ever sent about. */
export function isIcmpError(family: 4 | 6, type: number): boolean {
  if (family === 6) return type < 128 || type === Icmp6.REDIRECT;
  return (
    type === Icmp4.UNREACHABLE ||
    type === Icmp4.SOURCE_QUENCH ||
    type === Icmp4.REDIRECT ||
    type === Icmp4.TIME_EXCEEDED ||
    type === Icmp4.PARAMETER_PROBLEM
  );
}

/** Returns the sum of the pseudo-header of ICMPv6 (RFC 8200 §8.1). */
export function pseudoSum6(addressSum: number, bytes: number): number {
  return addressSum + (bytes >>> 16) + (bytes & 0xffff) + PROTOCOL_ICMPV6;
}

/** Writes the checksum of a message. `pseudoSum` is 0 for IPv4. */
export function writeIcmpChecksum(view: DataView, start: number, end: number, pseudoSum: number): void {
  view.setUint16(start + 2, 0);
  view.setUint16(start + 2, checksumOf(sumWords(view, start, end) + pseudoSum));
}

export function hasIcmpChecksum(view: DataView, start: number, end: number, pseudoSum: number): boolean {
  return fold(sumWords(view, start, end) + pseudoSum) === 0xffff;
}
