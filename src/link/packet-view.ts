/**
 * A packet of a link, read in place: for rules, logs, NAT and resets. One view serves all packets of a
 * link; it is valid during the call that hands it over.
 */
import type { Frame } from '../netstack/frame.js';
import { Address } from '../netstack/wire/address.js';

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;

export const ETHERNET_BYTES = 14;
const ETHER_IPV4 = 0x0800;
const ETHER_ARP = 0x0806;
const ETHER_IPV6 = 0x86dd;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP_BYTES = 20;
const UDP_BYTES = 8;

/** Bits of TCP's flags (RFC 9293 §3.1). */
export const TcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

export type PacketKind = 'ipv4' | 'ipv6' | 'arp' | 'other';

export class PacketView {
  readonly medium: 'ethernet' | 'ip';
  #frame: Frame | undefined;
  kind: PacketKind = 'other';
  /** IP's protocol number; −1 if the packet is none of IP, or its header is cut short. */
  protocol = -1;
  /** Place of the IP header, of the transport header, and of the end, in `view`. */
  ipStart = 0;
  transportStart = 0;
  end = 0;
  /** True if the packet is a fragment that begins behind the transport header. */
  isLaterFragment = false;
  /** Number of the packet in its direction; the first one is 1. */
  number = 0;
  /** Names of the hosts at the ends of the direction. */
  from = '';
  to = '';

  constructor(medium: 'ethernet' | 'ip') {
    this.medium = medium;
  }

  /** Reads the headers of a frame. */
  read(frame: Frame): this {
    this.#frame = frame;
    this.end = frame.end;
    this.protocol = -1;
    this.isLaterFragment = false;
    this.kind = 'other';
    this.ipStart = frame.start + (this.medium === 'ethernet' ? ETHERNET_BYTES : 0);
    this.transportStart = this.ipStart;
    const kind = this.#kindOf(frame);
    this.kind = kind;
    if (kind === 'ipv4') this.#readIpv4(frame.view);
    else if (kind === 'ipv6') this.#readIpv6(frame.view);
    return this;
  }

  /** The bytes and where they begin and end, link header included. */
  get frame(): Frame {
    if (this.#frame === undefined) throw new TypeError('the view of a packet is valid during its call only');
    return this.#frame;
  }

  /** The bytes of the packet, link header included. */
  get bytes(): Uint8Array {
    const { bytes, start, end } = this.frame;
    return bytes.subarray(start, end);
  }

  /** Bytes of the packet, link header included. */
  get length(): number {
    return this.frame.length;
  }

  get isTcp(): boolean {
    return this.protocol === PROTOCOL_TCP && this.#has(TCP_BYTES);
  }

  get isUdp(): boolean {
    return this.protocol === PROTOCOL_UDP && this.#has(UDP_BYTES);
  }

  /** Source and destination in text form; '' if the packet is none of IP. */
  get source(): string {
    return this.#address(true)?.toString() ?? '';
  }

  get destination(): string {
    return this.#address(false)?.toString() ?? '';
  }

  /** Source and destination of an IPv4 packet as words. */
  get sourceWord(): number {
    return this.frame.view.getInt32(this.ipStart + 12);
  }

  get destinationWord(): number {
    return this.frame.view.getInt32(this.ipStart + 16);
  }

  /** Ports of TCP and UDP; 0 for other packets. */
  get sourcePort(): number {
    return this.isTcp || this.isUdp ? this.frame.view.getUint16(this.transportStart) : 0;
  }

  get destinationPort(): number {
    return this.isTcp || this.isUdp ? this.frame.view.getUint16(this.transportStart + 2) : 0;
  }

  /** TCP's flags, bits of `TcpFlag`; 0 for other packets. */
  get flags(): number {
    return this.isTcp ? this.frame.view.getUint8(this.transportStart + 13) : 0;
  }

  get isSyn(): boolean {
    return (this.flags & TcpFlag.SYN) !== 0;
  }

  get isFin(): boolean {
    return (this.flags & TcpFlag.FIN) !== 0;
  }

  get isReset(): boolean {
    return (this.flags & TcpFlag.RST) !== 0;
  }

  /** True if TCP's ACK flag is set. */
  get isAck(): boolean {
    return (this.flags & TcpFlag.ACK) !== 0;
  }

  /** TCP's sequence and acknowledgement numbers, 0 to 2³² − 1. */
  get sequence(): number {
    return this.isTcp ? this.frame.view.getUint32(this.transportStart + 4) : 0;
  }

  get acknowledgement(): number {
    return this.isTcp ? this.frame.view.getUint32(this.transportStart + 8) : 0;
  }

  /** TCP's window as it stands in the header, not scaled. */
  get window(): number {
    return this.isTcp ? this.frame.view.getUint16(this.transportStart + 14) : 0;
  }

  /** Place of the data of TCP or UDP in the frame. */
  get payloadStart(): number {
    if (this.isTcp)
      return this.transportStart + (this.frame.view.getUint8(this.transportStart + 12) >> 4) * 4;
    return this.isUdp ? this.transportStart + UDP_BYTES : this.end;
  }

  /** The data of TCP or UDP. */
  get payload(): Uint8Array {
    return this.frame.bytes.subarray(Math.min(this.payloadStart, this.end), this.end);
  }

  /** Bytes of data of TCP or UDP. */
  get payloadBytes(): number {
    return Math.max(0, this.end - this.payloadStart);
  }

  /** True if IP may not fragment the packet: IPv6, or IPv4 with DF. */
  get isUnfragmentable(): boolean {
    return this.kind !== 'ipv4' || (this.frame.view.getUint8(this.ipStart + 6) & 0x40) !== 0;
  }

  #has(bytes: number): boolean {
    return !this.isLaterFragment && this.end - this.transportStart >= bytes;
  }

  #kindOf(frame: Frame): PacketKind {
    if (this.medium === 'ip') {
      if (frame.length < IPV4_BYTES) return 'other';
      const version = (frame.bytes[frame.start] ?? 0) >> 4;
      return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : 'other';
    }
    if (frame.length < ETHERNET_BYTES) return 'other';
    switch (frame.view.getUint16(frame.start + 12)) {
      case ETHER_IPV4:
        return 'ipv4';
      case ETHER_IPV6:
        return 'ipv6';
      case ETHER_ARP:
        return 'arp';
      default:
        return 'other';
    }
  }

  #readIpv4(view: DataView): void {
    const start = this.ipStart;
    if (this.end - start < IPV4_BYTES) return;
    const headerBytes = (view.getUint8(start) & 15) * 4;
    const length = view.getUint16(start + 2);
    if (headerBytes < IPV4_BYTES || length < headerBytes || start + length > this.end) return;
    this.protocol = view.getUint8(start + 9);
    this.isLaterFragment = (view.getUint16(start + 6) & 0x1fff) !== 0;
    this.transportStart = start + headerBytes;
    // Ethernet pads short packets.
    this.end = start + length;
  }

  #readIpv6(view: DataView): void {
    const start = this.ipStart;
    if (this.end - start < IPV6_BYTES) return;
    const length = IPV6_BYTES + view.getUint16(start + 4);
    if (start + length > this.end) return;
    this.protocol = view.getUint8(start + 6);
    this.transportStart = start + IPV6_BYTES;
    this.end = start + length;
  }

  #address(isSource: boolean): Address | undefined {
    if (this.protocol < 0) return undefined;
    const { view } = this.frame;
    if (this.kind === 'ipv4') return Address.ofIpv4(view.getInt32(this.ipStart + (isSource ? 12 : 16)));
    const at = this.ipStart + (isSource ? 8 : 24);
    return new Address(
      view.getInt32(at),
      view.getInt32(at + 4),
      view.getInt32(at + 8),
      view.getInt32(at + 12),
    );
  }
}
