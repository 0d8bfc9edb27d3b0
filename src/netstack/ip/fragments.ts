/** Cuts a packet that is larger than its path's MTU into fragments (RFC 791 §3.2, RFC 8200 §4.5). */
import type { Frame, FramePool } from '../frame.js';
import type { Address } from '../wire/address.js';
import { IPV4_HEADER_BYTES, MORE_FRAGMENTS, OFFSET_MASK, writeIpv4 } from '../wire/ipv4.js';
import type { InPacket } from './in-packet.js';
import { FRAGMENT_HEADER_BYTES, IPV6_HEADER_BYTES, NextHeader, writeIpv6 } from '../wire/ipv6.js';

export interface FragmentedPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly ecn: number;
  readonly hopLimit: number;
  readonly identification: number;
  /** Bytes of the largest fragment, its header included. */
  readonly mtu: number;
}

/**
 * Sends the bytes of a frame, which stays the caller's, in fragments; `transmit` owns each. Returns how
 * many there were.
 */
export function sendFragments(
  frames: FramePool,
  whole: Frame,
  packet: FragmentedPacket,
  transmit: (fragment: Frame) => void,
): number {
  const isIpv4 = packet.source.family === 4;
  const headerBytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
  // All fragments but the last one have a multiple of eight bytes.
  const mostBytes = (packet.mtu - headerBytes) & ~7;
  let fragments = 0;
  for (let offset = 0; offset < whole.length; offset += mostBytes) {
    const isLast = offset + mostBytes >= whole.length;
    const from = whole.start + offset;
    const to = isLast ? whole.end : from + mostBytes;
    const fragment = frames.take(to - from);
    fragment.bytes.set(whole.bytes.subarray(from, to), fragment.start);
    fragment.end = fragment.start + to - from;
    fragment.start -= headerBytes;
    if (isIpv4) writeFragment4(fragment, packet, offset, isLast);
    else writeFragment6(fragment, packet, offset, isLast);
    transmit(fragment);
    fragments += 1;
  }
  return fragments;
}

function writeFragment4(
  { view, start, end }: Frame,
  packet: FragmentedPacket,
  offset: number,
  isLast: boolean,
): void {
  writeIpv4(view, start, end, {
    trafficClass: packet.ecn,
    identification: packet.identification,
    fragment: (offset >>> 3) | (isLast ? 0 : MORE_FRAGMENTS),
    hopLimit: packet.hopLimit,
    protocol: packet.protocol,
    source: packet.source.d,
    destination: packet.destination.d,
  });
}

function writeFragment6(
  { view, start, end }: Frame,
  packet: FragmentedPacket,
  offset: number,
  isLast: boolean,
): void {
  const { source, destination, hopLimit, ecn } = packet;
  writeIpv6(view, start, end, {
    trafficClass: ecn,
    nextHeader: NextHeader.FRAGMENT,
    hopLimit,
    source,
    destination,
  });
  const at = start + IPV6_HEADER_BYTES;
  view.setUint8(at, packet.protocol);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, offset | (isLast ? 0 : 1));
  view.setInt32(at + 4, packet.identification);
}

/**
 * Cuts an IPv4 packet that is passed on, and perhaps is a fragment already; its frame stays the caller's.
 * Options are not copied to fragments: those that had to be (RFC 791 §3.1) are source routes, which are not
 * passed on.
 */
export function refragment4(
  frames: FramePool,
  packet: InPacket,
  mtu: number,
  transmit: (fragment: Frame) => void,
): void {
  const { frame, headerStart, start, end } = packet;
  const { view } = frame;
  const word = view.getUint16(headerStart + 6);
  const mostBytes = (mtu - IPV4_HEADER_BYTES) & ~7;
  for (let from = start; from < end; from += mostBytes) {
    const to = Math.min(end, from + mostBytes);
    const fragment = frames.take(to - from);
    fragment.bytes.set(frame.bytes.subarray(from, to), fragment.start);
    fragment.end = fragment.start + to - from;
    fragment.start -= IPV4_HEADER_BYTES;
    const hasMore = to < end || (word & MORE_FRAGMENTS) !== 0;
    writeIpv4(fragment.view, fragment.start, fragment.end, {
      trafficClass: view.getUint8(headerStart + 1),
      identification: view.getUint16(headerStart + 4),
      fragment: ((word & OFFSET_MASK) + ((from - start) >>> 3)) | (hasMore ? MORE_FRAGMENTS : 0),
      hopLimit: view.getUint8(headerStart + 8),
      protocol: packet.protocol,
      source: packet.sourceD,
      destination: packet.destinationD,
    });
    transmit(fragment);
  }
}
