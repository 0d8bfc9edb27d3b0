/** Version 2 of the PROXY protocol: binary (`proxy-protocol.txt` §2.2). */
import { formatIpv4, formatIpv6, unmapped } from '../support/ip-address.js';
import type { Endpoint } from '../port/tcp-stack.js';
import { crc32c } from './crc32c.js';
import {
  MORE,
  ProxyTlvType,
  refused,
  TCP_OVER_IPV4,
  TCP_OVER_IPV6,
  V2_FIXED_BYTES,
  V2_LOCAL,
  V2_PROXY,
  V2_SIGNATURE,
  type HeaderOutcome,
  type ProxyHeader,
  type ProxyTlv,
} from './proxy-header.js';

/** Bytes before the value of a TLV: its type and its length. */
export const TLV_FIXED_BYTES = 3;

/** Bytes of a checksum. */
const CRC_BYTES = 4;

/** Most bytes of a unique id (§2.2.5). */
export const MOST_UNIQUE_ID_BYTES = 128;

const AF_UNSPEC = 0;
/** Bytes of the addresses and ports of a family: unspecified, IPv4, IPv6, UNIX (§2.2). */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;
/** The last transport: unspecified, stream, datagram (§2.2). */
const LAST_TRANSPORT = 2;

const NO_TLVS: readonly ProxyTlv[] = [];

/**
 * Reads a header from the beginning of `bytes`.
 * @param mostBytes bytes above which a header is refused.
 */
export function readV2(bytes: Uint8Array, mostBytes: number): HeaderOutcome {
  const { length } = bytes;
  const [command, kind] = [bytes[12], bytes[13]];
  if (V2_SIGNATURE.some((byte, index) => index < length && bytes[index] !== byte)) {
    return refused('the signature is neither that of version 1 nor of version 2');
  }
  if (command !== undefined && command !== V2_LOCAL && command !== V2_PROXY) {
    return refused(`version and command are ${hex(command)}`);
  }
  // The family of a local connection is ignored.
  if (command === V2_PROXY && kind !== undefined && addressBytesOf(kind) === undefined) {
    return refused(`family and transport are ${hex(kind)}`);
  }
  if (length < V2_FIXED_BYTES) return MORE;
  const total = V2_FIXED_BYTES + uint16(bytes, 14);
  if (total > mostBytes) return refused(`the header has ${total} bytes, more than ${mostBytes}`, 'tooLong');
  if (length < total) return MORE;
  if (command === V2_LOCAL) return { kind: 'complete', header: local(), bytes: total };
  const header = headerOf(bytes.subarray(0, total), kind ?? AF_UNSPEC);
  return typeof header === 'string' ? refused(header) : { kind: 'complete', header, bytes: total };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

/** Returns the bytes of the addresses; `undefined` for a family or a transport that is not defined. */
function addressBytesOf(kind: number): number | undefined {
  return (kind & 15) > LAST_TRANSPORT ? undefined : ADDRESS_BYTES[kind >>> 4];
}

/** The receiver discards the whole block of a local connection. */
function local(): ProxyHeader {
  return { version: 2, command: 'LOCAL', source: undefined, destination: undefined, tlvs: NO_TLVS };
}

/** Returns the header, or the reason why it is not valid. */
function headerOf(bytes: Uint8Array, kind: number): ProxyHeader | string {
  const addressBytes = addressBytesOf(kind) ?? 0;
  const tlvsAt = V2_FIXED_BYTES + addressBytes;
  if (bytes.length < tlvsAt)
    return `${bytes.length - V2_FIXED_BYTES} bytes of addresses, not ${addressBytes}`;
  // An unspecified family may have addresses of unknown length: then no TLV can be found.
  const tlvs = kind >>> 4 === AF_UNSPEC ? NO_TLVS : tlvsOf(bytes, tlvsAt);
  if (typeof tlvs === 'string') return tlvs;
  const isTcp = kind === TCP_OVER_IPV4 || kind === TCP_OVER_IPV6;
  const [source, destination] = isTcp ? endpointsOf(bytes, addressBytes) : [undefined, undefined];
  return { version: 2, command: 'PROXY', source, destination, tlvs };
}

function endpointsOf(bytes: Uint8Array, addressBytes: number): [Endpoint, Endpoint] {
  const size = (addressBytes - 4) / 2;
  const portsAt = V2_FIXED_BYTES + 2 * size;
  const source = addressOf(bytes, V2_FIXED_BYTES, size);
  const destination = addressOf(bytes, V2_FIXED_BYTES + size, size);
  return [
    { address: source, port: uint16(bytes, portsAt) },
    { address: destination, port: uint16(bytes, portsAt + 2) },
  ];
}

function addressOf(bytes: Uint8Array, at: number, size: number): string {
  const groups = Array.from({ length: size / 2 }, (_, index) => uint16(bytes, at + 2 * index));
  if (groups.length === 2) return formatIpv4((groups[0] ?? 0) * 0x10000 + (groups[1] ?? 0));
  return unmapped(formatIpv6(groups));
}

/** Returns the TLVs of a header, or the reason why they are not valid. */
function tlvsOf(header: Uint8Array, start: number): readonly ProxyTlv[] | string {
  if (header.length === start) return NO_TLVS;
  const tlvs = splitTlvs(header, start);
  if (tlvs === undefined) return 'a TLV is longer than the header';
  let at = start;
  let checksums = 0;
  for (const { type, value } of tlvs) {
    if (type === ProxyTlvType.CRC32C) {
      checksums += 1;
      if (checksums > 1 || !isChecksum(header, at + TLV_FIXED_BYTES, value)) return 'the checksum is wrong';
    }
    if (type === ProxyTlvType.UNIQUE_ID && value.length > MOST_UNIQUE_ID_BYTES) {
      return `a unique id of ${value.length} bytes`;
    }
    at += TLV_FIXED_BYTES + value.length;
  }
  return tlvs;
}

/** Returns true if `value`, at `at`, is the checksum of the header with zeros in its place (§2.2.3). */
function isChecksum(header: Uint8Array, at: number, value: Uint8Array): boolean {
  if (value.length !== CRC_BYTES) return false;
  const zeroed = header.slice();
  zeroed.fill(0, at, at + CRC_BYTES);
  return crc32c(zeroed) === uint16(value, 0) * 0x10000 + uint16(value, 2);
}

/** Returns the TLVs from `start` up to the end of `bytes`; `undefined` if the last one is cut off. */
function splitTlvs(bytes: Uint8Array, start: number): ProxyTlv[] | undefined {
  const tlvs: ProxyTlv[] = [];
  for (let at = start; at < bytes.length;) {
    const valueAt = at + TLV_FIXED_BYTES;
    const end = valueAt + uint16(bytes, at + 1);
    if (valueAt > bytes.length || end > bytes.length) return undefined;
    // A copy: the memory of the piece that brought the header is not kept.
    tlvs.push({ type: bytes[at] ?? 0, value: bytes.slice(valueAt, end) });
    at = end;
  }
  return tlvs;
}

/**
 * Returns the values in a value, such as those behind the first 5 bytes of an SSL one:
 * `proxyTlvs(ssl.value.subarray(5))`.
 * @throws RangeError for bytes that are not a sequence of TLVs.
 */
export function proxyTlvs(bytes: Uint8Array): ProxyTlv[] {
  const tlvs = splitTlvs(bytes, 0);
  if (tlvs === undefined) throw new RangeError('bytes must be whole TLVs, but the last one is cut off');
  return tlvs;
}
