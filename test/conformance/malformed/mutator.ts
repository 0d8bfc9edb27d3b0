/** Packets that nearly are what they should be: valid ones, changed by chance from a seed. */
import type { TcpOption } from '../packetdrill/options.js';
import { encodeSegment, TCP_FLAGS, type AddressBytes, type Segment } from '../packetdrill/segment.js';
import type { Random } from '../../support/random.js';

/** What the packets are about: a connection of the host, as its peer sees it. */
export interface Target {
  readonly source: AddressBytes;
  readonly destination: AddressBytes;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Next numbers of the peer and of the host. */
  readonly seq: number;
  readonly ack: number;
}

export interface Mutant {
  readonly bytes: Uint8Array;
  /** True: some bytes differ from those that the checksums were made for. */
  readonly isBroken: boolean;
}

const MOST_DATA = 200;

function option(random: Random): TcpOption {
  const word = (): number => random.whole(0, 0xffff_ffff);
  return random.pick<TcpOption>([
    { kind: 'nop' },
    { kind: 'eol' },
    { kind: 'sackOK' },
    { kind: 'mss', value: random.whole(0, 0xffff) },
    { kind: 'wscale', value: random.whole(0, 255) },
    { kind: 'TS', value: word(), echo: word() },
    { kind: 'sack', blocks: [[word(), word()]] },
    { kind: 'other', number: random.whole(2, 255), bytes: random.bytes(random.whole(0, 6)) },
  ]);
}

/** Returns a segment that keeps the format of TCP, with any flags, numbers and options. */
export function anySegment(target: Target, random: Random): Segment {
  const near = (number: number): number => (number + random.whole(-3, 3) * random.size(100_000)) >>> 0;
  return {
    source: target.source,
    destination: target.destination,
    sourcePort: random.isOneIn(10) ? random.whole(0, 0xffff) : target.sourcePort,
    destinationPort: random.isOneIn(10) ? random.whole(0, 0xffff) : target.destinationPort,
    ecn: random.whole(0, 3),
    seq: random.isOneIn(3) ? near(target.seq) : target.seq >>> 0,
    ack: random.isOneIn(3) ? near(target.ack) : target.ack >>> 0,
    flags: TCP_FLAGS.filter(() => random.isOneIn(3)).join(''),
    window: random.whole(0, 0xffff),
    urgent: random.isOneIn(4) ? random.whole(0, 0xffff) : 0,
    options: Array.from({ length: random.whole(0, 3) }, () => option(random)),
    data: random.bytes(random.whole(0, MOST_DATA)),
  };
}

/** Changes bytes, or the length, of a packet. */
function breakBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.whole(0, bytes.length - 1);
  switch (random.whole(0, 3)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Uint8Array.from([...bytes, ...random.bytes(random.whole(1, 64))]);
    case 2:
      return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.whole(0, 7)));
    default:
      return bytes.map((byte) => (random.isOneIn(8) ? random.whole(0, 255) : byte));
  }
}

/** Makes the checksum of IPv4's header and that of TCP right again, where the packet has them. */
function mendChecksums(bytes: Uint8Array): Uint8Array {
  const mended = bytes.slice();
  const headerBytes = ((mended[0] ?? 0) & 15) * 4;
  if ((mended[0] ?? 0) >>> 4 !== 4 || headerBytes < 20 || mended.length < headerBytes + 20) return mended;
  const checksum = (parts: readonly (readonly number[])[]): number => {
    let sum = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    return ~sum & 0xffff;
  };
  const view = new DataView(mended.buffer);
  view.setUint16(10, 0);
  view.setUint16(10, checksum([[...mended.subarray(0, headerBytes)]]));
  view.setUint16(headerBytes + 16, 0);
  const segment = [...mended.subarray(headerBytes)];
  const pseudo = [...mended.subarray(12, 20), 0, 6, segment.length >>> 8, segment.length & 0xff];
  view.setUint16(headerBytes + 16, checksum([pseudo, segment]));
  return mended;
}

export function mutantOf(target: Target, random: Random): Mutant {
  const bytes = encodeSegment(anySegment(target, random));
  if (random.isOneIn(3)) return { bytes, isBroken: false };
  const broken = breakBytes(bytes, random);
  if (random.isOneIn(2)) return { bytes: mendChecksums(broken), isBroken: false };
  return { bytes: broken, isBroken: true };
}
