/**
 * Packets that no host has sent: the reset of a middlebox, and the message of a router that a packet is too
 * big; and the fragments that a router makes. A router of this kind has no address: its messages come from
 * the address that the packet went to.
 */
import type { Frame, FramePool } from '../netstack/frame.js';
import { checksumOf, sumWords } from '../netstack/wire/checksum.js';
import { ETHERNET_BYTES, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, TcpFlag } from './packet-view.js';
import type { PacketView } from './packet-view.js';

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const TCP_BYTES = 20;
const ICMP_BYTES = 8;
const HOP_LIMIT = 64;
/** Bytes of an ICMP error at most (RFC 1812 §4.3.2.3, RFC 4443 §2.4(c)). */
const MOST_ICMP4_BYTES = 576;
const MOST_ICMP6_BYTES = 1280;
const TYPE_UNREACHABLE = 3;
const CODE_FRAGMENTATION_NEEDED = 4;
const TYPE_TOO_BIG_6 = 2;
/** Bits of IPv4's flags and fragment offset. */
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/**
 * Begins a packet that answers another one, or travels with it: link header and IP header.
 * @param isAnswer true: from the other packet's destination to its source.
 * @returns the frame, whose `end` is behind the IP header; `finish` sets its length and checksum.
 */
function begin(
  frames: FramePool,
  packet: PacketView,
  isAnswer: boolean,
  protocol: number,
  bytes: number,
): Frame {
  const old = packet.frame;
  const isIpv4 = packet.kind === 'ipv4';
  const linkBytes = packet.ipStart - old.start;
  const ipBytes = isIpv4 ? IPV4_BYTES : IPV6_BYTES;
  const frame = frames.take(linkBytes + ipBytes + bytes);
  const ip = frame.start + linkBytes;
  frame.end = ip + ipBytes;
  frame.bytes.fill(0, frame.start, frame.end + bytes);
  if (linkBytes === ETHERNET_BYTES) copyEthernet(frame, old, isAnswer);
  const addressBytes = isIpv4 ? 4 : 16;
  const addresses = isIpv4 ? 12 : 8;
  const source = old.bytes.subarray(packet.ipStart + addresses, packet.ipStart + addresses + addressBytes);
  const destination = old.bytes.subarray(
    packet.ipStart + addresses + addressBytes,
    packet.ipStart + addresses + 2 * addressBytes,
  );
  frame.bytes.set(isAnswer ? destination : source, ip + addresses);
  frame.bytes.set(isAnswer ? source : destination, ip + addresses + addressBytes);
  frame.view.setUint8(ip, isIpv4 ? 0x45 : 0x60);
  frame.view.setUint8(ip + (isIpv4 ? 8 : 7), HOP_LIMIT);
  frame.view.setUint8(ip + (isIpv4 ? 9 : 6), protocol);
  return frame;
}

function copyEthernet(frame: Frame, old: Frame, isAnswer: boolean): void {
  const { start } = old;
  const addresses = [
    old.bytes.subarray(start, start + 6),
    old.bytes.subarray(start + 6, start + 12),
  ] as const;
  frame.bytes.set(addresses[isAnswer ? 1 : 0], frame.start);
  frame.bytes.set(addresses[isAnswer ? 0 : 1], frame.start + 6);
  frame.bytes.set(old.bytes.subarray(start + 12, start + 14), frame.start + 12);
}

/** Sets the lengths and the IP header's checksum of a frame whose transport part is written. */
function finish(frame: Frame, packet: PacketView): void {
  const ip = frame.start + (packet.ipStart - packet.frame.start);
  if (packet.kind === 'ipv4') {
    frame.view.setUint16(ip + 2, frame.end - ip);
    setIpv4Checksum(frame.view, ip);
  } else {
    frame.view.setUint16(ip + 4, frame.end - ip - IPV6_BYTES);
  }
}

function setIpv4Checksum(view: DataView, ip: number): void {
  view.setUint16(ip + 10, 0);
  const headerBytes = (view.getUint8(ip) & 15) * 4;
  view.setUint16(ip + 10, checksumOf(sumWords(view, ip, ip + headerBytes)));
}

/** Returns the sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1). */
export function pseudoSum(
  frame: Frame,
  ip: number,
  isIpv4: boolean,
  protocol: number,
  bytes: number,
): number {
  const addresses = isIpv4 ? sumWords(frame.view, ip + 12, ip + 20) : sumWords(frame.view, ip + 8, ip + 40);
  return addresses + protocol + bytes;
}

/**
 * Returns a reset as the receiver of a TCP packet would send it (RFC 9293 §3.5.2), or as its sender would.
 */
export function forgeReset(frames: FramePool, packet: PacketView, towards: 'sender' | 'receiver'): Frame {
  const isAnswer = towards === 'sender';
  const frame = begin(frames, packet, isAnswer, PROTOCOL_TCP, TCP_BYTES);
  const { view } = frame;
  const tcp = frame.end;
  const ip = frame.start + (packet.ipStart - packet.frame.start);
  const isIpv4 = packet.kind === 'ipv4';
  view.setUint16(tcp, isAnswer ? packet.destinationPort : packet.sourcePort);
  view.setUint16(tcp + 2, isAnswer ? packet.sourcePort : packet.destinationPort);
  const control = (packet.isSyn ? 1 : 0) + (packet.isFin ? 1 : 0);
  if (!isAnswer) {
    view.setUint32(tcp + 4, packet.sequence);
    view.setUint32(tcp + 8, packet.acknowledgement);
    view.setUint8(tcp + 13, TcpFlag.RST | TcpFlag.ACK);
  } else if (packet.isAck) {
    view.setUint32(tcp + 4, packet.acknowledgement);
    view.setUint8(tcp + 13, TcpFlag.RST);
  } else {
    view.setUint32(tcp + 8, packet.sequence + packet.payloadBytes + control);
    view.setUint8(tcp + 13, TcpFlag.RST | TcpFlag.ACK);
  }
  view.setUint8(tcp + 12, (TCP_BYTES / 4) << 4);
  frame.end = tcp + TCP_BYTES;
  const sum = pseudoSum(frame, ip, isIpv4, PROTOCOL_TCP, TCP_BYTES) + sumWords(view, tcp, frame.end);
  view.setUint16(tcp + 16, checksumOf(sum));
  finish(frame, packet);
  return frame;
}

/** Returns the message that a packet is larger than `mtu` (RFC 1191 §4, RFC 4443 §3.2). */
export function forgeTooBig(frames: FramePool, packet: PacketView, mtu: number): Frame {
  const isIpv4 = packet.kind === 'ipv4';
  const overhead = ICMP_BYTES + (isIpv4 ? IPV4_BYTES : IPV6_BYTES);
  const most = (isIpv4 ? MOST_ICMP4_BYTES : MOST_ICMP6_BYTES) - overhead;
  const quoted = Math.min(most, packet.end - packet.ipStart);
  const protocol = isIpv4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  const frame = begin(frames, packet, true, protocol, ICMP_BYTES + quoted);
  const { view } = frame;
  const icmp = frame.end;
  const ip = frame.start + (packet.ipStart - packet.frame.start);
  view.setUint8(icmp, isIpv4 ? TYPE_UNREACHABLE : TYPE_TOO_BIG_6);
  view.setUint8(icmp + 1, isIpv4 ? CODE_FRAGMENTATION_NEEDED : 0);
  view.setUint32(icmp + 4, mtu);
  const { bytes } = packet.frame;
  frame.bytes.set(bytes.subarray(packet.ipStart, packet.ipStart + quoted), icmp + ICMP_BYTES);
  frame.end = icmp + ICMP_BYTES + quoted;
  const header = isIpv4 ? 0 : pseudoSum(frame, ip, false, protocol, frame.end - icmp);
  view.setUint16(icmp + 2, checksumOf(header + sumWords(view, icmp, frame.end)));
  finish(frame, packet);
  return frame;
}

/** Makes the fragments of an IPv4 packet for a link of `mtu` bytes (RFC 791 §3.2), and passes them on. */
export function forgeFragments(
  frames: FramePool,
  packet: PacketView,
  mtu: number,
  pass: (frame: Frame) => void,
): void {
  const old = packet.frame;
  const linkBytes = packet.ipStart - old.start;
  const headerBytes = packet.transportStart - packet.ipStart;
  const step = Math.floor((mtu - headerBytes) / 8) * 8;
  const flags = old.view.getUint16(packet.ipStart + 6);
  const { end, transportStart } = packet;
  for (let at = transportStart; at < end; at += step) {
    const next = Math.min(end, at + step);
    const frame = frames.take(linkBytes + headerBytes + next - at);
    const ip = frame.start + linkBytes;
    frame.bytes.set(old.bytes.subarray(old.start, transportStart), frame.start);
    frame.bytes.set(old.bytes.subarray(at, next), ip + headerBytes);
    frame.end = ip + headerBytes + next - at;
    const offset = (flags & OFFSET_MASK) + (at - transportStart) / 8;
    const more = next < end ? MORE_FRAGMENTS : flags & MORE_FRAGMENTS;
    frame.view.setUint16(ip + 2, frame.end - ip);
    frame.view.setUint16(ip + 6, more | offset);
    setIpv4Checksum(frame.view, ip);
    pass(frame);
  }
}
