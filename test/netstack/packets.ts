/**
 * IP packets with TCP segments, written and read without any code of the stack: what the stack gets wrong on
 * both ways is not hidden.
 */
import assert from 'node:assert/strict';
import { HEADROOM, type Frame, type FramePool } from '#src/netstack/frame.js';
import { Address } from '#src/netstack/wire/address.js';

const FLAGS = 'FSRPAUEC';
const TCP_BYTES = 20;

export interface SegmentParts {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  /** Letters of `FSRPAUEC`. */
  readonly flags: string;
  /** As it stands in the header. */
  readonly window: number;
  readonly urgent?: number;
  /** Options as they stand in the header; padded with zeros. */
  readonly options: readonly number[];
  readonly data: Uint8Array;
}

function addressBytes(text: string): number[] {
  const address = Address.parse(text);
  assert.ok(address !== undefined, `${text} is an address`);
  const words = address.family === 4 ? [address.d] : [address.a, address.b, address.c, address.d];
  return words.flatMap((word) => bytesOf(word, 4));
}

/** Returns a number in network byte order. */
export function bytesOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (value >>> (8 * (count - 1 - index))) & 0xff);
}

function internetSum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function pseudoHeader(source: readonly number[], destination: readonly number[], length: number): number[] {
  return [...source, ...destination, ...bytesOf(length, 4), 0, 0, 0, 6];
}

function flagsOf(letters: string): number {
  let flags = 0;
  for (const letter of letters) {
    const bit = FLAGS.indexOf(letter);
    assert.ok(bit >= 0, `${letter} is a flag`);
    flags |= 1 << bit;
  }
  return flags;
}

/** Returns the bytes of an IP packet. */
export function packetOf(parts: SegmentParts): number[] {
  const source = addressBytes(parts.source);
  const destination = addressBytes(parts.destination);
  const options = [...parts.options];
  while (options.length % 4 !== 0) options.push(0);
  const segment = [
    ...bytesOf(parts.sourcePort, 2),
    ...bytesOf(parts.destinationPort, 2),
    ...bytesOf(parts.seq, 4),
    ...bytesOf(parts.ack, 4),
    ((TCP_BYTES + options.length) / 4) << 4,
    flagsOf(parts.flags),
    ...bytesOf(parts.window, 2),
    ...[0, 0],
    ...bytesOf(parts.urgent ?? 0, 2),
    ...options,
    ...parts.data,
  ];
  const sum = internetSum([...pseudoHeader(source, destination, segment.length), ...segment]);
  segment.splice(16, 2, ...bytesOf(~sum & 0xffff, 2));
  if (source.length === 16)
    return [0x60, 0, 0, 0, ...bytesOf(segment.length, 2), 6, 64, ...source, ...destination, ...segment];
  const header = [
    0x45,
    0,
    ...bytesOf(20 + segment.length, 2),
    0,
    0,
    0x40,
    0,
    64,
    6,
    0,
    0,
    ...source,
    ...destination,
  ];
  header.splice(10, 2, ...bytesOf(~internetSum(header) & 0xffff, 2));
  return [...header, ...segment];
}

/** Returns a frame with an IP packet. */
export function frameOf(frames: FramePool, packet: readonly number[]): Frame {
  const frame = frames.take(packet.length);
  frame.bytes.set(packet, HEADROOM);
  frame.start = HEADROOM;
  frame.end = HEADROOM + packet.length;
  return frame;
}

/** Reads a packet that a stack has sent, and checks its lengths and checksums. */
export function readPacket(packet: Uint8Array): SegmentParts {
  const bytes = [...packet];
  const isV4 = (bytes[0] ?? 0) >> 4 === 4;
  const headerBytes = isV4 ? 20 : 40;
  const word = (at: number, count: number): number =>
    bytes.slice(at, at + count).reduce((value, byte) => value * 256 + byte, 0);
  if (isV4) assert.equal(internetSum(bytes.slice(0, 20)), 0xffff, 'the checksum of IPv4 is right');
  assert.equal(isV4 ? word(2, 2) : word(4, 2) + 40, bytes.length, 'the length of IP is right');
  assert.equal(bytes[isV4 ? 9 : 6], 6, 'the packet is one of TCP');
  const [from, to, size] = isV4 ? [12, 16, 4] : [8, 24, 16];
  const source = bytes.slice(from, from + size);
  const destination = bytes.slice(to, to + size);
  const segment = bytes.slice(headerBytes);
  const sum = internetSum([...pseudoHeader(source, destination, segment.length), ...segment]);
  assert.equal(sum, 0xffff, 'the checksum of TCP is right');
  const dataAt = headerBytes + ((bytes[headerBytes + 12] ?? 0) >> 4) * 4;
  const flags = bytes[headerBytes + 13] ?? 0;
  return {
    source: addressText(source),
    destination: addressText(destination),
    sourcePort: word(headerBytes, 2),
    destinationPort: word(headerBytes + 2, 2),
    seq: word(headerBytes + 4, 4) | 0,
    ack: word(headerBytes + 8, 4) | 0,
    flags: FLAGS.replaceAll(/./g, (letter, bit: number) => ((flags & (1 << bit)) === 0 ? '' : letter)),
    window: word(headerBytes + 14, 2),
    urgent: word(headerBytes + 18, 2),
    options: bytes.slice(headerBytes + TCP_BYTES, dataAt),
    data: Uint8Array.from(bytes.slice(dataAt)),
  };
}

function addressText(bytes: readonly number[]): string {
  const word = (at: number): number =>
    bytes.slice(at, at + 4).reduce((value, byte) => (value << 8) | byte, 0);
  const address =
    bytes.length === 4 ? Address.ofIpv4(word(0)) : new Address(word(0), word(4), word(8), word(12));
  return address.toString();
}

/** The options of a segment. */
export interface Options {
  readonly mss?: number;
  readonly scale?: number;
  readonly isSackPermitted?: boolean;
  readonly timestamps?: readonly [value: number, echo: number];
  readonly sack?: readonly (readonly [start: number, end: number])[];
}

export function optionBytes({ mss, scale, isSackPermitted, timestamps, sack }: Options): number[] {
  return [
    ...(mss === undefined ? [] : [2, 4, ...bytesOf(mss, 2)]),
    ...(isSackPermitted === true ? [1, 1, 4, 2] : []),
    ...(timestamps === undefined ? [] : [1, 1, 8, 10, ...timestamps.flatMap((stamp) => bytesOf(stamp, 4))]),
    ...(scale === undefined ? [] : [1, 3, 3, scale]),
    ...(sack === undefined
      ? []
      : [1, 1, 5, 2 + 8 * sack.length, ...sack.flat().flatMap((edge) => bytesOf(edge, 4))]),
  ];
}

/** Reads options. Unknown ones fail the test: the stack writes none. */
export function readOptions(bytes: readonly number[]): Options {
  const word = (at: number, count: number): number =>
    bytes.slice(at, at + count).reduce((value, byte) => (value << 8) | byte, 0);
  let options: Options = {};
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at] ?? 0;
    if (kind === 0) break;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    assert.ok(length >= 2 && at + length <= bytes.length, 'an option fits into the header');
    if (kind === 2) options = { ...options, mss: word(at + 2, 2) };
    else if (kind === 3) options = { ...options, scale: word(at + 2, 1) };
    else if (kind === 4) options = { ...options, isSackPermitted: true };
    else if (kind === 5) {
      const sack: [number, number][] = [];
      for (let block = at + 2; block < at + length; block += 8)
        sack.push([word(block, 4), word(block + 4, 4)]);
      options = { ...options, sack };
    } else if (kind === 8) options = { ...options, timestamps: [word(at + 2, 4), word(at + 6, 4)] };
    else assert.fail(`option ${kind} is not known`);
    at += length;
  }
  return options;
}
