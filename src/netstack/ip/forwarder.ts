/** Passes packets on, as a router does (RFC 1812 §5.2, §5.3; RFC 8200 §3). */
import type { DropReason } from '../counters.js';
import type { Address } from '../wire/address.js';
import { DONT_FRAGMENT, writeIpv4Checksum } from '../wire/ipv4.js';
import { checkOptions6, IPV6_HEADER_BYTES, NextHeader } from '../wire/ipv6.js';
import { Problem6 } from '../wire/icmp.js';
import type { IpContext } from './context.js';
import { refragment4 } from './fragments.js';
import type { Hop } from './hop.js';
import {
  HOPS_USED_UP,
  type IcmpError,
  type IcmpErrors,
  NO_ROUTE,
  packetTooBig,
  parameterProblem6,
} from './icmp-errors.js';
import type { InPacket } from './in-packet.js';
import type { NetInterface } from './net-interface.js';

/** Next hops that are kept by a hash of their destinations. */
const SLOTS = 1024;
const SLOT_SHIFT = 22;

interface KeptHop {
  readonly destination: Address;
  readonly hop: Hop;
}

export class Forwarder {
  readonly #context: IpContext;
  readonly #errors: IcmpErrors;
  readonly #hops = new Array<KeptHop | undefined>(SLOTS).fill(undefined);
  #generation = 0;

  constructor(context: IpContext, errors: IcmpErrors) {
    this.#context = context;
    this.#errors = errors;
  }

  /** Passes an IPv4 packet on that is not for this host. Owns its frame. */
  forward4(packet: InPacket, from: NetInterface): void {
    const net = packet.destinationD >>> 24;
    // 0/8, 240/4 and link-local addresses (RFC 3927 §7) are not passed on.
    const isLocal = isLinkLocal4(packet.destinationD) || isLinkLocal4(packet.sourceD);
    if (net === 0 || net >= 240 || isLocal) {
      this.#drop(packet, 'badDestination');
      return;
    }
    const hop = this.#hop(packet, from);
    if (hop === undefined) return;
    const { frame, headerStart: start } = packet;
    const { view } = frame;
    view.setUint8(start + 8, packet.hopLimit - 1);
    writeIpv4Checksum(view, start);
    this.#context.counters.forwarded += 1;
    if (frame.length <= hop.mtu) this.#context.output.transmit(hop, frame);
    else this.#cut4(packet, hop);
  }

  /** Passes an IPv6 packet on that is not for this host. Owns its frame. */
  forward6(packet: InPacket, from: NetInterface): void {
    const { sourceA, sourceB, sourceC, sourceD, destinationA } = packet;
    const isUnspecified = (sourceA | sourceB | sourceC | sourceD) === 0;
    if (isUnspecified || isLinkLocal6(sourceA) || isLinkLocal6(destinationA)) {
      this.#drop(packet, 'badDestination');
      return;
    }
    if (!this.#passesHopByHop(packet)) return;
    const hop = this.#hop(packet, from);
    if (hop === undefined) return;
    const { frame, headerStart: start } = packet;
    if (frame.length > hop.mtu) {
      this.#refuse(packet, 'tooBig', packetTooBig(hop.mtu));
      return;
    }
    frame.view.setUint8(start + 7, packet.hopLimit - 1);
    this.#context.counters.forwarded += 1;
    this.#context.output.transmit(hop, frame);
  }

  #drop(packet: InPacket, reason: DropReason): void {
    this.#context.counters.drop(reason);
    this.#context.frames.give(packet.frame);
  }

  #refuse(packet: InPacket, reason: DropReason, error: IcmpError): void {
    this.#errors.send(packet.frame, packet.headerStart, packet.isGroup, error);
    this.#drop(packet, reason);
  }

  /** Returns the next hop; `undefined` if the packet was refused. */
  #hop(packet: InPacket, from: NetInterface): Hop | undefined {
    if (packet.hopLimit <= 1) {
      this.#refuse(packet, 'hopLimit', HOPS_USED_UP);
      return undefined;
    }
    const hop = this.#hopTo(packet);
    // Over a link without neighbours, a packet that goes back where it came from would go round for ever.
    if (hop === undefined || (hop.netInterface === from && from.link === undefined)) {
      this.#refuse(packet, 'noRoute', NO_ROUTE);
      return undefined;
    }
    // A directed broadcast of another link (RFC 2644).
    if (hop.groupMac !== undefined) {
      this.#drop(packet, 'badDestination');
      return undefined;
    }
    return hop;
  }

  #hopTo(packet: InPacket): Hop | undefined {
    const { routing } = this.#context;
    if (this.#generation !== routing.generation) {
      this.#generation = routing.generation;
      this.#hops.fill(undefined);
    }
    const slot = Math.imul(packet.destinationC ^ packet.destinationD, 0x9e37_79b1) >>> SLOT_SHIFT;
    const kept = this.#hops[slot];
    if (kept !== undefined && packet.isTo(kept.destination)) return kept.hop;
    const destination = packet.destination();
    const hop = routing.hopTo(destination, undefined);
    if (hop !== undefined) this.#hops[slot] = { destination, hop };
    return hop;
  }

  /** A packet that may be cut is sent in fragments (RFC 791 §3.2); else its source hears of the MTU. */
  #cut4(packet: InPacket, hop: Hop): void {
    const { frame, headerStart: start } = packet;
    if ((frame.view.getUint16(start + 6) & DONT_FRAGMENT) !== 0) {
      this.#context.counters.forwarded -= 1;
      frame.view.setUint8(start + 8, packet.hopLimit);
      writeIpv4Checksum(frame.view, start);
      this.#refuse(packet, 'tooBig', packetTooBig(hop.mtu));
      return;
    }
    refragment4(this.#context.frames, packet, hop.mtu, (fragment) => {
      this.#context.output.transmit(hop, fragment);
    });
    this.#context.frames.give(frame);
  }

  /** Only the first header is a router's concern (RFC 8200 §4.3). Returns false if the packet was refused. */
  #passesHopByHop(packet: InPacket): boolean {
    if (packet.protocol !== NextHeader.HOP_BY_HOP) return true;
    const { frame, headerStart, end } = packet;
    const at = headerStart + IPV6_HEADER_BYTES;
    const headerEnd = at + 8 <= end ? at + (frame.view.getUint8(at + 1) + 1) * 8 : Infinity;
    if (headerEnd > end) {
      this.#drop(packet, 'badExtensionHeader');
      return false;
    }
    const verdict = checkOptions6(frame.bytes, at + 2, headerEnd);
    if (verdict.kind === 'good') return true;
    if (verdict.kind === 'discard') this.#drop(packet, 'unknownOption');
    else this.#refuse(packet, 'unknownOption', parameterProblem6(Problem6.OPTION, verdict.at - headerStart));
    return false;
  }
}

function isLinkLocal4(word: number): boolean {
  return word >>> 16 === 0xa9fe;
}

function isLinkLocal6(word: number): boolean {
  return word >>> 22 === 0xfe80 >>> 6;
}
