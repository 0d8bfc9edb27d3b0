/**
 * IP packets with a segment of TCP: built and read by code that shares nothing with the stack that is tested,
 * checksums included (RFC 791, RFC 8200, RFC 9293 §3.1).
 */
import { decodeOptions, encodeOptions, formatOptions, type TcpOption } from './options.js';

/** The flags from the lowest bit on, as a script writes them. */
export const TCP_FLAGS = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W'];
/** The order in which a script writes them. */
const WRITTEN = ['S', 'F', 'R', 'P', 'U', 'E', 'W', '.'];
const TCP = 6;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP_BYTES = 20;

/** An address as its bytes: 4 or 16. */
export type AddressBytes = readonly number[];

export interface Segment {
  readonly source: AddressBytes;
  readonly destination: AddressBytes;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The two ECN bits of IP. */
  readonly ecn: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: string;
  readonly window: number;
  readonly urgent: number;
  readonly options: readonly TcpOption[];
  readonly data: Uint8Array;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return sum;
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return folded;
}

function pseudoSum(source: AddressBytes, destination: AddressBytes, length: number): number {
  return sumOf(Uint8Array.from([...source, ...destination])) + TCP + length;
}

function writeIpHeader(bytes: Uint8Array, segment: Segment): void {
  const view = new DataView(bytes.buffer);
  if (segment.source.length === 4) {
    view.setUint8(0, 0x45);
    view.setUint8(1, segment.ecn);
    view.setUint16(2, bytes.length);
    view.setUint8(8, 64);
    view.setUint8(9, TCP);
    bytes.set(segment.source, 12);
    bytes.set(segment.destination, 16);
    view.setUint16(10, ~fold(sumOf(bytes.subarray(0, IPV4_BYTES))) & 0xffff);
    return;
  }
  view.setUint32(0, (0x6000_0000 | (segment.ecn << 20)) >>> 0);
  view.setUint16(4, bytes.length - IPV6_BYTES);
  view.setUint8(6, TCP);
  view.setUint8(7, 64);
  bytes.set(segment.source, 8);
  bytes.set(segment.destination, 24);
}

function bitsOf(flags: string): number {
  return TCP_FLAGS.reduce((bits, flag, bit) => (flags.includes(flag) ? bits | (1 << bit) : bits), 0);
}

/** Returns the IP packet of a segment. */
export function encodeSegment(segment: Segment): Uint8Array {
  const start = segment.source.length === 4 ? IPV4_BYTES : IPV6_BYTES;
  const options = encodeOptions(segment.options);
  const headerBytes = TCP_BYTES + options.length;
  const bytes = new Uint8Array(start + headerBytes + segment.data.length);
  const view = new DataView(bytes.buffer, start);
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.seq >>> 0);
  view.setUint32(8, segment.ack >>> 0);
  view.setUint8(12, headerBytes << 2);
  view.setUint8(13, bitsOf(segment.flags));
  view.setUint16(14, segment.window);
  view.setUint16(18, segment.urgent);
  bytes.set(options, start + TCP_BYTES);
  bytes.set(segment.data, start + headerBytes);
  const part = bytes.subarray(start);
  const sum = sumOf(part) + pseudoSum(segment.source, segment.destination, part.length);
  view.setUint16(16, ~fold(sum) & 0xffff);
  writeIpHeader(bytes, segment);
  return bytes;
}

interface IpHeader {
  readonly source: AddressBytes;
  readonly destination: AddressBytes;
  readonly ecn: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

function readIpHeader(bytes: Uint8Array): IpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint8(0) >>> 4 === 6) {
    if (view.getUint16(4) !== bytes.length - IPV6_BYTES) throw new Error('the length of IPv6 is wrong');
    return {
      source: [...bytes.subarray(8, 24)],
      destination: [...bytes.subarray(24, 40)],
      ecn: (view.getUint32(0) >>> 20) & 3,
      protocol: view.getUint8(6),
      payload: bytes.subarray(IPV6_BYTES),
    };
  }
  if (view.getUint8(0) !== 0x45) throw new Error('the header of IPv4 has not 20 bytes');
  if (view.getUint16(2) !== bytes.length) throw new Error('the length of IPv4 is wrong');
  if (fold(sumOf(bytes.subarray(0, IPV4_BYTES))) !== 0xffff) throw new Error('the checksum of IPv4 is wrong');
  return {
    source: [...bytes.subarray(12, 16)],
    destination: [...bytes.subarray(16, 20)],
    ecn: view.getUint8(1) & 3,
    protocol: view.getUint8(9),
    payload: bytes.subarray(IPV4_BYTES),
  };
}

/** Returns the segment of an IP packet; `undefined` if it has another protocol. Throws if it is malformed. */
export function decodeSegment(bytes: Uint8Array): Segment | undefined {
  const { source, destination, ecn, protocol, payload } = readIpHeader(bytes);
  if (protocol !== TCP) return undefined;
  if (fold(sumOf(payload) + pseudoSum(source, destination, payload.length)) !== 0xffff) {
    throw new Error('the checksum of TCP is wrong');
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const headerBytes = (view.getUint8(12) >>> 4) * 4;
  const bits = view.getUint8(13);
  return {
    source,
    destination,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    ecn,
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: TCP_FLAGS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(''),
    window: view.getUint16(14),
    urgent: view.getUint16(18),
    options: decodeOptions(payload.subarray(TCP_BYTES, headerBytes)),
    data: payload.slice(headerBytes),
  };
}

/** Returns a segment as a script writes it. */
export function formatSegment(
  segment: Omit<Segment, 'source' | 'destination' | 'sourcePort' | 'destinationPort'>,
): string {
  const { seq, flags, data, options } = segment;
  const letters = WRITTEN.filter((flag) => flags.includes(flag)).join('');
  const range = `${seq}:${(seq + data.length) >>> 0}(${data.length})`;
  const ack = flags.includes('.') ? ` ack ${segment.ack}` : '';
  const text = options.length === 0 ? '' : ` <${formatOptions(options)}>`;
  return `${letters === '' ? '-' : letters} ${range}${ack} win ${segment.window}${text}`;
}
