/** Writes IP headers in front of what transports send, and hands the packets to their interface. */
import type { Counters } from '../counters.js';
import type { Frame, FramePool } from '../frame.js';
import type { Address } from '../wire/address.js';
import { checksumOf } from '../wire/checksum.js';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../wire/icmp.js';
import { DONT_FRAGMENT, IPV4_HEADER_BYTES, writeIpv4 } from '../wire/ipv4.js';
import { IPV6_HEADER_BYTES, writeIpv6 } from '../wire/ipv6.js';
import { type FragmentedPacket, sendFragments } from './fragments.js';
import { Hop } from './hop.js';
import type { Path } from './ip-path.js';
import type { NetInterface } from './net-interface.js';
import { LEAST_MTU6 } from './path-mtu.js';

export interface OutputOptions {
  readonly counters: Counters;
  readonly frames: FramePool;
  readonly hopLimit: number;
  readonly discoversPathMtu: boolean;
  readonly random: () => number;
}

/** A packet of the host's own protocols, to an address on an interface's link. */
export interface LinkPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly hopLimit: number;
}

export class Output {
  readonly #counters: Counters;
  readonly #frames: FramePool;
  readonly #discoversPathMtu: boolean;
  /** Hop limit of packets; a router may advertise another one for IPv6 (RFC 4861 §6.3.4). */
  readonly #hopLimit: number;
  #identification: number;
  #fragmentedPackets: number;

  constructor({ counters, frames, hopLimit, discoversPathMtu, random }: OutputOptions) {
    this.#counters = counters;
    this.#frames = frames;
    this.#hopLimit = hopLimit;
    this.#discoversPathMtu = discoversPathMtu;
    this.#identification = Math.floor(random() * 0x1_0000);
    this.#fragmentedPackets = Math.floor(random() * 0x1_0000_0000) | 0;
  }

  /**
   * Sends a frame's bytes as the payload of one packet, in fragments if they are too many. Owns the frame.
   */
  send(path: Path, protocol: number, frame: Frame, ecn: number): void {
    const { hop } = path;
    if (hop === undefined) {
      this.#dropUnroutable(frame);
      return;
    }
    const { mtu } = path;
    if (frame.length + path.headerBytes > mtu) {
      this.#sendInFragments(path, hop, protocol, frame, ecn, mtu);
      return;
    }
    const fragment = this.#discoversPathMtu && !path.mayFragment ? DONT_FRAGMENT : 0;
    if (path.headerBytes === IPV4_HEADER_BYTES) this.#writeHeader4(path, protocol, frame, ecn, fragment);
    else this.#writeHeader6(path, protocol, frame, ecn);
    this.#counters.sent += 1;
    this.transmit(hop, frame);
  }

  /**
   * Sends an ICMP message, and owns its frame. This host believes no error about it, because it keeps nothing
   * to compare with; so it must not need the MTU of its path: IPv4 routers may fragment it (as Linux's), and
   * IPv6 packets to another link have the size that every link takes (RFC 8200 §5).
   */
  sendIcmp(path: Path, frame: Frame): void {
    const { hop, headerBytes } = path;
    if (hop === undefined) {
      this.#dropUnroutable(frame);
      return;
    }
    const isIpv4 = headerBytes === IPV4_HEADER_BYTES;
    const protocol = isIpv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    const mtu = isIpv4 || hop.isOnLink ? path.mtu : Math.min(path.mtu, LEAST_MTU6);
    if (frame.length + headerBytes > mtu) {
      this.#sendInFragments(path, hop, protocol, frame, 0, mtu);
      return;
    }
    if (isIpv4) this.#writeHeader4(path, protocol, frame, 0, 0);
    else this.#writeHeader6(path, protocol, frame, 0);
    this.#counters.sent += 1;
    this.transmit(hop, frame);
  }

  /** Sends a packet to the link of an interface, past routes and path MTUs. Owns the frame. */
  sendOnLink(netInterface: NetInterface, frame: Frame, packet: LinkPacket): void {
    this.writeLinkPacket(frame, packet);
    this.transmit(new Hop(netInterface, packet.destination, true), frame);
  }

  /** Writes the header of a packet that the caller sends. */
  writeLinkPacket(frame: Frame, packet: LinkPacket): void {
    const { source, destination, protocol, hopLimit } = packet;
    const { end, view } = frame;
    if (source.family === 4) {
      frame.start -= IPV4_HEADER_BYTES;
      const identification = this.nextIdentification();
      const words = { source: source.d, destination: destination.d };
      const fields = { trafficClass: 0, identification, fragment: 0, hopLimit, protocol, ...words };
      writeIpv4(view, frame.start, end, fields);
    } else {
      frame.start -= IPV6_HEADER_BYTES;
      const fields = { trafficClass: 0, nextHeader: protocol, hopLimit, source, destination };
      writeIpv6(view, frame.start, end, fields);
    }
    this.#counters.sent += 1;
  }

  /** Sends a packet that has its header to the next hop. Owns the frame. */
  transmit(hop: Hop, frame: Frame): void {
    const { link } = hop.netInterface;
    if (link === undefined) hop.netInterface.device.transmit(frame);
    else link.send(hop, frame);
  }

  nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }

  #dropUnroutable(frame: Frame): void {
    this.#counters.drop('noRoute');
    this.#frames.give(frame);
  }

  #sendInFragments(path: Path, hop: Hop, protocol: number, frame: Frame, ecn: number, mtu: number): void {
    this.#fragmentedPackets = (this.#fragmentedPackets + 1) | 0;
    const identification =
      path.headerBytes === IPV4_HEADER_BYTES ? this.nextIdentification() : this.#fragmentedPackets;
    const { source, destination } = path;
    const hopLimit = this.#hopLimit;
    const packet: FragmentedPacket = {
      source,
      destination,
      protocol,
      ecn,
      hopLimit,
      identification,
      mtu,
    };
    const fragments = sendFragments(this.#frames, frame, packet, (fragment) => {
      this.transmit(hop, fragment);
    });
    this.#counters.sent += fragments;
    this.#frames.give(frame);
  }

  #writeHeader4(path: Path, protocol: number, frame: Frame, ecn: number, fragment: number): void {
    const totalBytes = frame.length + IPV4_HEADER_BYTES;
    const start = frame.start - IPV4_HEADER_BYTES;
    const { view } = frame;
    const identification = this.nextIdentification();
    const first = 0x4500 | ecn;
    const lifeAndProtocol = (this.#hopLimit << 8) | protocol;
    const sum = first + totalBytes + identification + fragment + lifeAndProtocol + path.addressSum;
    view.setInt32(start, (first << 16) | totalBytes);
    view.setInt32(start + 4, (identification << 16) | fragment);
    view.setInt32(start + 8, (lifeAndProtocol << 16) | checksumOf(sum));
    view.setInt32(start + 12, path.source.d);
    view.setInt32(start + 16, path.destination.d);
    frame.start = start;
  }

  #writeHeader6({ source, destination }: Path, protocol: number, frame: Frame, ecn: number): void {
    const payloadBytes = frame.length;
    const start = frame.start - IPV6_HEADER_BYTES;
    const { view } = frame;
    view.setInt32(start, 0x6000_0000 | (ecn << 20));
    view.setInt32(start + 4, (payloadBytes << 16) | (protocol << 8) | this.#hopLimit);
    view.setInt32(start + 8, source.a);
    view.setInt32(start + 12, source.b);
    view.setInt32(start + 16, source.c);
    view.setInt32(start + 20, source.d);
    view.setInt32(start + 24, destination.a);
    view.setInt32(start + 28, destination.b);
    view.setInt32(start + 32, destination.c);
    view.setInt32(start + 36, destination.d);
    frame.start = start;
  }
}
