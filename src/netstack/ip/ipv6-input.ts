/**
 * Reads IPv6 packets (RFC 8200 §3, §4): those for this host pass through their extension headers, are put
 * together and delivered; the others are passed on if the host is a router.
 */
import type { DropReason } from '../counters.js';
import type { Frame } from '../frame.js';
import { Problem6 } from '../wire/icmp.js';
import {
  checkOptions6,
  findUpper6,
  FRAGMENT_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  MOST_EXTENSION_HEADERS,
  NextHeader,
} from '../wire/ipv6.js';
import type { IpContext } from './context.js';
import type { Forwarder } from './forwarder.js';
import { FRAGMENTS_LATE, type IcmpErrors, parameterProblem6 } from './icmp-errors.js';
import type { InPacket } from './in-packet.js';
import type { PacketSink } from './ipv4-input.js';
import type { NetInterface } from './net-interface.js';
import { Reassembly } from './reassembly.js';

/** Bytes of the shortest transport header. */
const LEAST_UPPER_BYTES = 8;

/** Outcome of one step through the extension headers. */
type Step = 'next' | 'deliver' | 'stop';

export class Ipv6Input {
  readonly reassembly: Reassembly;
  readonly #context: IpContext;
  readonly #sink: PacketSink;
  readonly #errors: IcmpErrors;
  readonly #forwarder: Forwarder | undefined;

  constructor(context: IpContext, sink: PacketSink, errors: IcmpErrors, forwarder: Forwarder | undefined) {
    this.#context = context;
    this.#sink = sink;
    this.#errors = errors;
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
    packet.isGroup = isGroup || packet.destinationA >>> 24 === 0xff;
    if (this.#isForThisHost(packet, netInterface)) this.#walk(packet);
    else if (packet.isGroup) this.#drop('otherGroup', frame);
    else if (this.#forwarder === undefined) this.#drop('notForThisHost', frame);
    else this.#forwarder.forward6(packet, netInterface);
  }

  #drop(reason: DropReason, frame: Frame): void {
    this.#context.counters.drop(reason);
    this.#context.frames.give(frame);
  }

  /** Reads the header, and cuts off what the link has padded. */
  #read(packet: InPacket, frame: Frame): DropReason | undefined {
    const { view, start } = frame;
    const available = frame.end - start;
    if (available < IPV6_HEADER_BYTES) return 'shortPacket';
    const payloadBytes = view.getUint16(start + 4);
    if (payloadBytes + IPV6_HEADER_BYTES > available) return 'badTotalLength';
    frame.end = start + IPV6_HEADER_BYTES + payloadBytes;
    packet.readAddresses6(frame);
    packet.ecn = (view.getUint16(start) >>> 4) & 3;
    packet.protocol = view.getUint8(start + 6);
    packet.protocolAt = 6;
    packet.hopLimit = view.getUint8(start + 7);
    packet.frame = frame;
    packet.headerStart = start;
    packet.start = start + IPV6_HEADER_BYTES;
    packet.end = frame.end;
    return undefined;
  }

  /**
   * Checks both addresses (RFC 4291 §2.5.2, §2.5.3, §2.5.5, §2.7): the source is one host, and not this one.
   */
  #checkAddresses(packet: InPacket, netInterface: NetInterface): DropReason | undefined {
    const { sourceA, sourceB, sourceC, sourceD, destinationA, destinationB, destinationC } = packet;
    if (sourceA >>> 24 === 0xff) return 'badSource';
    if (netInterface.isLoopback) return undefined;
    if (sourceA === 0 && sourceB === 0) {
      // ::1, IPv4-compatible and IPv4-mapped addresses are on no link; :: is, before there is an address.
      const isUnspecified = sourceC === 0 && sourceD === 0;
      if (!isUnspecified || destinationA >>> 24 !== 0xff) return 'badSource';
    }
    if (destinationA === 0 && destinationB === 0 && (destinationC === 0 || destinationC === 0xffff)) {
      return 'badDestination';
    }
    // ff00::/16 and ff01::/16 never leave their host (RFC 4291 §2.7).
    if (destinationA >>> 24 === 0xff && ((destinationA >>> 16) & 15) <= 1) return 'badDestination';
    return this.#context.routing.isOwnWords(sourceA, sourceB, sourceC, sourceD) ? 'spoofedSource' : undefined;
  }

  #isForThisHost(packet: InPacket, netInterface: NetInterface): boolean {
    const { destinationA, destinationB, destinationC, destinationD } = packet;
    if (destinationA >>> 24 === 0xff) {
      return netInterface.isMember(destinationA, destinationB, destinationC, destinationD);
    }
    return this.#context.routing.isOwnWords(destinationA, destinationB, destinationC, destinationD);
  }

  /** Passes the extension headers in their order (RFC 8200 §4), then delivers. Owns the frame. */
  #walk(packet: InPacket): void {
    let step: Step = 'next';
    for (let headers = 0; step === 'next'; headers += 1) {
      if (headers > MOST_EXTENSION_HEADERS) {
        this.#drop('badExtensionHeader', packet.frame);
        return;
      }
      step = this.#step(packet);
    }
    if (step === 'stop') return;
    if (!this.#sink.deliver(packet)) this.#context.frames.give(packet.frame);
  }

  #step(packet: InPacket): Step {
    switch (packet.protocol) {
      case NextHeader.HOP_BY_HOP:
        // It must be the first one (RFC 8200 §4.1).
        if (packet.start === packet.headerStart + IPV6_HEADER_BYTES) return this.#options(packet);
        return this.#problem(packet, 'badExtensionHeader', Problem6.NEXT_HEADER, packet.protocolAt);
      case NextHeader.DESTINATION_OPTIONS:
        return this.#options(packet);
      case NextHeader.ROUTING:
        return this.#routing(packet);
      case NextHeader.FRAGMENT:
        return this.#fragment(packet);
      case NextHeader.NONE:
        this.#drop('noNextHeader', packet.frame);
        return 'stop';
      default:
        return 'deliver';
    }
  }

  #options(packet: InPacket): Step {
    const { bytes } = packet.frame;
    const end = this.#headerEnd(packet);
    if (end === undefined) return 'stop';
    const verdict = checkOptions6(bytes, packet.start + 2, end);
    if (verdict.kind === 'good') return this.#pass(packet, end);
    if (verdict.kind === 'report') {
      const at = verdict.at - packet.headerStart;
      return this.#problem(packet, 'unknownOption', Problem6.OPTION, at, verdict.alsoToGroup);
    }
    this.#drop('unknownOption', packet.frame);
    return 'stop';
  }

  /** No type of routing header is known: one with segments left is refused (RFC 8200 §4.4, RFC 5095). */
  #routing(packet: InPacket): Step {
    const end = this.#headerEnd(packet);
    if (end === undefined) return 'stop';
    if (packet.frame.view.getUint8(packet.start + 3) === 0) return this.#pass(packet, end);
    const at = packet.start + 2 - packet.headerStart;
    return this.#problem(packet, 'sourceRoute', Problem6.HEADER, at);
  }

  /** Returns the end of an extension header; `undefined` if it was dropped because the packet ends before. */
  #headerEnd(packet: InPacket): number | undefined {
    const { frame, start, end } = packet;
    const headerEnd = start + 8 <= end ? start + (frame.view.getUint8(start + 1) + 1) * 8 : Infinity;
    if (headerEnd <= end) return headerEnd;
    this.#drop('badExtensionHeader', frame);
    return undefined;
  }

  #pass(packet: InPacket, headerEnd: number): Step {
    packet.protocol = packet.frame.view.getUint8(packet.start);
    packet.protocolAt = packet.start - packet.headerStart;
    packet.start = headerEnd;
    return 'next';
  }

  /** RFC 8200 §4.5; an atomic fragment is a whole packet (RFC 6946). */
  #fragment(packet: InPacket): Step {
    const { frame, start, end } = packet;
    if (start + FRAGMENT_HEADER_BYTES > end) {
      this.#drop('badExtensionHeader', frame);
      return 'stop';
    }
    const word = frame.view.getUint16(start + 2);
    if ((word & 0xfff9) === 0) return this.#pass(packet, start + FRAGMENT_HEADER_BYTES);
    const isLast = (word & 1) === 0;
    const bytes = end - start - FRAGMENT_HEADER_BYTES;
    if (!isLast && bytes % 8 !== 0) return this.#problem(packet, 'badFragment', Problem6.HEADER, 4);
    const offset = word & 0xfff8;
    if (offset + bytes > 0xffff) {
      return this.#problem(packet, 'badFragment', Problem6.HEADER, start + 2 - packet.headerStart);
    }
    if (offset === 0 && !hasAllHeaders(packet)) {
      return this.#problem(packet, 'badFragment', Problem6.INCOMPLETE_CHAIN, 0);
    }
    return this.#reassemble(packet, offset, isLast);
  }

  #reassemble(packet: InPacket, offset: number, isLast: boolean): Step {
    const { frame, start, protocolAt } = packet;
    const nextHeader = frame.view.getUint8(start);
    const identification = frame.view.getInt32(start + 4);
    const key = `${packet.source().toString()} ${packet.destination().toString()} ${identification}`;
    const at = start + FRAGMENT_HEADER_BYTES;
    // The fragment header goes: what is in front of it moves up to the data, and names the header behind it.
    frame.view.setUint8(packet.headerStart + protocolAt, nextHeader);
    frame.bytes.copyWithin(packet.headerStart + FRAGMENT_HEADER_BYTES, packet.headerStart, start);
    frame.start = packet.headerStart + FRAGMENT_HEADER_BYTES;
    const whole = this.reassembly.add({ key, frame, at, offset, isLast });
    if (whole === undefined) return 'stop';
    whole.view.setUint16(whole.start + 4, whole.length - IPV6_HEADER_BYTES);
    packet.frame = whole;
    packet.headerStart = whole.start;
    packet.end = whole.end;
    // The walk begins again: the headers of the first fragment count, which may not have come last.
    packet.start = whole.start + IPV6_HEADER_BYTES;
    packet.protocol = whole.view.getUint8(whole.start + 6);
    packet.protocolAt = 6;
    return 'next';
  }

  #problem(packet: InPacket, reason: DropReason, code: number, at: number, alsoToGroup = false): Step {
    const error = parameterProblem6(code, at, alsoToGroup);
    this.#errors.send(packet.frame, packet.headerStart, packet.isGroup, error);
    this.#drop(reason, packet.frame);
    return 'stop';
  }
}

/** Returns true if a first fragment has all headers, so that filters see them (RFC 7112 §5). */
function hasAllHeaders({ frame, headerStart, end }: InPacket): boolean {
  const upper = findUpper6(frame.view, headerStart, end);
  return upper !== undefined && upper.at + LEAST_UPPER_BYTES <= end;
}
