/**
 * Reads IPv4 packets (RFC 791 §3.1, RFC 1122 §3.2.1): those for this host are put together and delivered, the
 * others passed on if the host is a router.
 */
import type { DropReason } from '../counters.js';
import type { Frame } from '../frame.js';
import { fold, sumWords } from '../wire/checksum.js';
import {
  checkOptions4,
  IPV4_HEADER_BYTES,
  MORE_FRAGMENTS,
  OFFSET_MASK,
  writeIpv4Checksum,
} from '../wire/ipv4.js';
import type { IpContext } from './context.js';
import type { Forwarder } from './forwarder.js';
import { FRAGMENTS_LATE, type IcmpErrors } from './icmp-errors.js';
import type { InPacket } from './in-packet.js';
import type { NetInterface } from './net-interface.js';
import { Reassembly } from './reassembly.js';

/** Takes packets for this host. */
export interface PacketSink {
  /** Reads a packet. Returns true if its frame is the sink's from now on; otherwise it stays the caller's. */
  deliver(packet: InPacket): boolean;
}

export class Ipv4Input {
  readonly reassembly: Reassembly;
  readonly #context: IpContext;
  readonly #sink: PacketSink;
  readonly #forwarder: Forwarder | undefined;

  constructor(context: IpContext, sink: PacketSink, errors: IcmpErrors, forwarder: Forwarder | undefined) {
    this.#context = context;
    this.#sink = sink;
    this.#forwarder = forwarder;
    this.reassembly = new Reassembly(context, (first) => {
      errors.send(first, first.start, false, FRAGMENTS_LATE);
    });
  }

  /** Takes the packet in a frame, and owns it from now on. `isGroup` is that of the link. */
  receive(packet: InPacket, netInterface: NetInterface, frame: Frame, isGroup: boolean): void {
    const bad = this.#read(packet, frame) ?? this.#checkAddresses(packet, netInterface);
    if (bad !== undefined) {
      this.#drop(bad, frame);
      return;
    }
    packet.isGroup = isGroup;
    if (!this.#isForThisHost(packet, netInterface)) {
      // A group of the link is passed on to no single host (RFC 1812 §5.3.4).
      if (packet.isGroup) this.#drop('otherGroup', frame);
      else if (this.#forwarder === undefined) this.#drop('notForThisHost', frame);
      else this.#forwarder.forward4(packet, netInterface);
      return;
    }
    if (packet.fragment !== 0 && !this.#reassemble(packet)) return;
    if (!this.#sink.deliver(packet)) this.#context.frames.give(packet.frame);
  }

  #drop(reason: DropReason, frame: Frame): void {
    this.#context.counters.drop(reason);
    this.#context.frames.give(frame);
  }

  /** Reads the header, and cuts off what the link has padded. */
  #read(packet: InPacket, frame: Frame): DropReason | undefined {
    const { view, start } = frame;
    const available = frame.end - start;
    if (available < IPV4_HEADER_BYTES) return 'shortPacket';
    const first = view.getInt32(start);
    const headerBytes = ((first >>> 24) & 15) * 4;
    if (headerBytes < IPV4_HEADER_BYTES || headerBytes > available) return 'badHeaderLength';
    const totalBytes = first & 0xffff;
    if (totalBytes < headerBytes || totalBytes > available) return 'badTotalLength';
    const second = view.getInt32(start + 4);
    const third = view.getInt32(start + 8);
    const source = view.getInt32(start + 12);
    const destination = view.getInt32(start + 16);
    const addressSum = halves(source) + halves(destination);
    if (!frame.isVerified) {
      const options = headerBytes === IPV4_HEADER_BYTES ? 0 : sumOfOptions(view, start, headerBytes);
      const sum = halves(first) + halves(second) + halves(third) + addressSum + options;
      if (fold(sum) !== 0xffff) return 'badHeaderChecksum';
    }
    frame.end = start + totalBytes;
    packet.setAddresses4(source, destination, addressSum);
    packet.ecn = (first >>> 16) & 3;
    packet.fragment = second & (MORE_FRAGMENTS | OFFSET_MASK);
    packet.hopLimit = third >>> 24;
    packet.protocol = (third >>> 16) & 0xff;
    packet.protocolAt = 9;
    packet.frame = frame;
    packet.headerStart = start;
    packet.start = start + headerBytes;
    packet.end = frame.end;
    return headerBytes === IPV4_HEADER_BYTES ? undefined : badOptions(packet);
  }

  /**
   * Checks both addresses (RFC 1122 §3.2.1.3): the source is one host, and not this one; loopback addresses
   * are on no link, so that no router passes one on to itself.
   */
  #checkAddresses(packet: InPacket, netInterface: NetInterface): DropReason | undefined {
    const { sourceC, sourceD, destinationD } = packet;
    // 0/8, 127/8, and 224/3: multicast, reserved and broadcast.
    const net = sourceD >>> 24;
    if (net === 0 || net >= 224) return 'badSource';
    if (netInterface.isLoopback) return undefined;
    if (destinationD >>> 24 === 127) return 'badDestination';
    if (net === 127 || netInterface.isBroadcastWord(sourceD)) return 'badSource';
    return this.#context.routing.isOwnWords(0, 0, sourceC, sourceD) ? 'spoofedSource' : undefined;
  }

  #isForThisHost(packet: InPacket, netInterface: NetInterface): boolean {
    const { destinationC, destinationD } = packet;
    const net = destinationD >>> 24;
    if (net === 127) return true;
    if (this.#context.routing.isOwnWords(0, 0, destinationC, destinationD)) return true;
    if (destinationD === -1 || netInterface.isBroadcastWord(destinationD)) {
      packet.isGroup = true;
      return true;
    }
    if (net < 224) return false;
    packet.isGroup = true;
    return netInterface.isMember(0, 0, destinationC, destinationD);
  }

  /**
   * Keeps a fragment. Returns true if its packet is complete now: `packet` is then the whole one, with a
   * frame that the caller owns.
   */
  #reassemble(packet: InPacket): boolean {
    const { frame, headerStart: start, fragment, sourceD, destinationD, protocol } = packet;
    const identification = frame.view.getUint16(start + 4);
    const whole = this.reassembly.add({
      key: `${sourceD} ${destinationD} ${identification} ${protocol}`,
      frame,
      at: packet.start,
      offset: (fragment & OFFSET_MASK) * 8,
      isLast: (fragment & MORE_FRAGMENTS) === 0,
    });
    if (whole === undefined) return false;
    whole.view.setUint16(whole.start + 2, whole.length);
    whole.view.setUint16(whole.start + 6, 0);
    writeIpv4Checksum(whole.view, whole.start);
    packet.frame = whole;
    packet.headerStart = whole.start;
    packet.start = whole.start + (whole.view.getUint8(whole.start) & 15) * 4;
    packet.end = whole.end;
    return true;
  }
}

/** Returns the sum of a word's two halves. */
function halves(word: number): number {
  return (word >>> 16) + (word & 0xffff);
}

function sumOfOptions(view: DataView, start: number, headerBytes: number): number {
  return sumWords(view, start + IPV4_HEADER_BYTES, start + headerBytes);
}

function badOptions({ frame, headerStart, start }: InPacket): DropReason | undefined {
  const options = checkOptions4(frame.bytes, headerStart + IPV4_HEADER_BYTES, start);
  if (options === 'malformed') return 'badOptions';
  return options === 'sourceRoute' ? 'sourceRoute' : undefined;
}
