/** The services of IP that TCP needs. `netstack/ip` implements it; TCP knows no more of the layers below. */
import type { Frame, FramePool } from '../frame.js';
import type { Address } from '../wire/address.js';

/** A way from an address of this host to another address. */
export interface IpPath {
  readonly source: Address;
  readonly destination: Address;
  /** Bytes of the largest IP packet on the path; it falls when ICMP says so (RFC 1191, RFC 8201). */
  readonly mtu: number;
  /** Bytes of the largest IP packet that the path's interface takes. */
  readonly linkMtu: number;
  /** Bytes of the IP header: 20 or 40. */
  readonly headerBytes: number;
  /**
   * Sum of the 16-bit words of both addresses, for the checksum of TCP and UDP (RFC 9293 §3.1), not folded.
   */
  readonly addressSum: number;
  /** The pool of the path's frames. */
  readonly frames: FramePool;
  /** True if the other end is on the same link, or in this host. */
  readonly isOnLink: boolean;
}

export interface IpService {
  /** Returns the path; `undefined` if no interface leads there, or `source` is not this host's. */
  pathTo(destination: Address, source: Address | undefined): IpPath | undefined;
  /**
   * Sends what `frame.start` to `frame.end` holds as the payload of one packet, and owns the frame from now
   * on. Never calls back.
   * @param ecn the two ECN bits (RFC 3168 §5).
   */
  send(path: IpPath, protocol: number, frame: Frame, ecn?: number): void;
  /** Returns true if the address is one of this host's. */
  isOwn(address: Address): boolean;
  /** A signal of life of the peer: its neighbour entry is confirmed (RFC 4861 §7.3.1). */
  confirm(path: IpPath): void;
}

/** A packet that IP hands to a transport. One object serves all packets, so that it must not be kept. */
export interface IpPacket {
  readonly family: 4 | 6;
  readonly sourceA: number;
  readonly sourceB: number;
  readonly sourceC: number;
  readonly sourceD: number;
  readonly destinationA: number;
  readonly destinationB: number;
  readonly destinationC: number;
  readonly destinationD: number;
  /** As `IpPath.addressSum`. */
  readonly addressSum: number;
  readonly ecn: number;
  /** The frame; the packet's transport part is from `start` to `end`. The caller owns it. */
  readonly frame: Frame;
  readonly start: number;
  readonly end: number;
  /** True if the packet came to a broadcast or multicast address, of the link or of IP. */
  readonly isGroup: boolean;
  /** Make the addresses; not for every packet. */
  source(): Address;
  destination(): Address;
}

/** An ICMP error about a packet that this host has sent. */
export interface IcmpReport {
  /**
   * `hard`: protocol or port unreachable, administratively prohibited. `soft`: network or host
   * unreachable, time exceeded, source quench. `tooBig`: the path's MTU is smaller (RFC 1122 §4.2.3.9).
   */
  readonly kind: 'hard' | 'soft' | 'tooBig';
  /** ICMP's type and code, for the text of errors. */
  readonly type: number;
  readonly code: number;
  /** Bytes of the path's MTU, where ICMP tells it. */
  readonly mtu: number | undefined;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** First eight bytes of the transport part that ICMP quotes. */
  readonly quoted: DataView;
}
