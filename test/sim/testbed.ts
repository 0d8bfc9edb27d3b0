/** A link without hosts: ports that note what arrives, and when. */
import { Link, type LinkOptions } from '#src/link/link.js';
import { Timeline } from '#src/link/timeline.js';
import { Frame, FramePool } from '#src/netstack/frame.js';
import { checksumOf, sumWords } from '#src/netstack/wire/checksum.js';
import { SeededRandom } from '#src/support/seeded-random.js';

export interface Arrival {
  readonly atNs: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

export class Testbed {
  readonly timeline = new Timeline();
  readonly frames = new FramePool();
  readonly link: Link;
  /** Packets at the second end, and at the first. */
  readonly arrivals: Arrival[] = [];
  readonly answers: Arrival[] = [];

  constructor(options: LinkOptions = {}, seed: number | string = 1) {
    const { timeline, frames } = this;
    this.link = new Link(
      [
        { name: 'a', hostId: 0 },
        { name: 'b', hostId: 1 },
      ],
      options,
      { name: 'a - b', timeline, frames, random: SeededRandom.of(seed) },
    );
    this.link.forward.port = { receive: (frame) => this.#note(this.arrivals, frame) };
    this.link.backward.port = { receive: (frame) => this.#note(this.answers, frame) };
  }

  #note(list: Arrival[], frame: Frame): void {
    const bytes = frame.bytes.slice(frame.start, frame.end);
    const number = frame.length >= 4 ? frame.view.getUint32(frame.end - 4) : -1;
    list.push({ atNs: this.timeline.nowNs, number, bytes });
    this.frames.give(frame);
  }

  /** Returns a frame of `length` bytes that ends with `number`. */
  frame(number: number, length = 100): Frame {
    const frame = this.frames.take(length);
    frame.end = frame.start + length;
    frame.bytes.fill(0, frame.start, frame.end);
    frame.view.setUint32(frame.end - 4, number);
    return frame;
  }

  /** Sends packets with the numbers 1 to `count` at one instant. */
  send(count: number, length = 100): void {
    for (let number = 1; number <= count; number += 1) this.link.forward.transmit(this.frame(number, length));
  }

  /** Lets all happen up to a time. */
  runTo(ns: number): void {
    for (;;) {
      const source = this.timeline.take();
      if (source !== undefined) {
        source.occur();
        continue;
      }
      if (this.timeline.nextNs() > ns) break;
      this.timeline.moveTo(this.timeline.nextNs());
    }
    if (ns > this.timeline.nowNs) this.timeline.moveTo(ns);
  }

  /** Lets all happen that is under way. */
  run(): void {
    while (this.timeline.hasPresent || this.timeline.nextNs() < Number.POSITIVE_INFINITY) {
      this.runTo(Math.max(this.timeline.nowNs, Math.min(this.timeline.nextNs(), Number.MAX_SAFE_INTEGER)));
    }
  }

  get numbers(): number[] {
    return this.arrivals.map(({ number }) => number);
  }
}

export interface TcpFields {
  readonly from?: readonly [address: number, port: number];
  readonly to?: readonly [address: number, port: number];
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly payload?: Uint8Array;
  readonly dontFragment?: boolean;
  /** 17 makes a UDP packet. */
  readonly protocol?: 6 | 17;
  /** The bytes of an ICMP message, which stand for all behind the IP header. */
  readonly icmp?: Uint8Array;
}

const INSIDE = [0x0a00_0002, 40_000] as const;
const OUTSIDE = [0xc000_0201, 80] as const;

/** Returns an IPv4 packet of TCP, UDP or ICMP with right checksums. */
export function ipv4Packet(frames: FramePool, fields: TcpFields = {}): Frame {
  if (fields.icmp !== undefined) return icmpPacket(frames, fields, fields.icmp);
  const { from = INSIDE, to = OUTSIDE, payload = new Uint8Array(0), protocol = 6 } = fields;
  const headerBytes = protocol === 6 ? 20 : 8;
  const length = 20 + headerBytes + payload.length;
  const frame = ipv4Frame(frames, { from, to, protocol, length, dontFragment: fields.dontFragment });
  const { view, start } = frame;
  const at = start + 20;
  view.setUint16(at, from[1]);
  view.setUint16(at + 2, to[1]);
  if (protocol === 6) {
    view.setUint32(at + 4, fields.sequence ?? 0);
    view.setUint32(at + 8, fields.acknowledgement ?? 0);
    view.setUint8(at + 12, 0x50);
    view.setUint8(at + 13, fields.flags ?? 0x10);
    view.setUint16(at + 14, 1000);
  } else {
    view.setUint16(at + 4, headerBytes + payload.length);
  }
  frame.bytes.set(payload, at + headerBytes);
  const sum = sumWords(view, start + 12, start + 20) + protocol + headerBytes + payload.length;
  view.setUint16(at + (protocol === 6 ? 16 : 6), checksumOf(sum + sumWords(view, at, frame.end)));
  return frame;
}

function icmpPacket(frames: FramePool, fields: TcpFields, icmp: Uint8Array): Frame {
  const { from = INSIDE, to = OUTSIDE } = fields;
  const frame = ipv4Frame(frames, { from, to, protocol: 1, length: 20 + icmp.length });
  const at = frame.start + 20;
  frame.bytes.set(icmp, at);
  frame.view.setUint16(at + 2, 0);
  frame.view.setUint16(at + 2, checksumOf(sumWords(frame.view, at, frame.end)));
  return frame;
}

interface Ipv4Fields {
  readonly from: readonly [address: number, port: number];
  readonly to: readonly [address: number, port: number];
  readonly protocol: number;
  readonly length: number;
  readonly dontFragment?: boolean | undefined;
}

/** Returns a frame of zeros behind an IPv4 header. */
function ipv4Frame(frames: FramePool, { from, to, protocol, length, dontFragment }: Ipv4Fields): Frame {
  const frame = frames.take(length);
  const { view, start } = frame;
  frame.end = start + length;
  frame.bytes.fill(0, start, frame.end);
  view.setUint8(start, 0x45);
  view.setUint16(start + 2, length);
  view.setUint16(start + 6, dontFragment === true ? 0x4000 : 0);
  view.setUint8(start + 8, 64);
  view.setUint8(start + 9, protocol);
  view.setUint32(start + 12, from[0]);
  view.setUint32(start + 16, to[0]);
  view.setUint16(start + 10, checksumOf(sumWords(view, start, start + 20)));
  return frame;
}

/** Returns true if the checksums of an IPv4 packet of TCP, UDP or ICMP are right. */
export function hasRightChecksums(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const protocol = view.getUint8(9);
  const pseudo = protocol === 1 ? 0 : sumWords(view, 12, 20) + protocol + bytes.length - 20;
  const isRight = (sum: number): boolean => checksumOf(sum) === 0;
  return isRight(sumWords(view, 0, 20)) && isRight(pseudo + sumWords(view, 20, bytes.length));
}
