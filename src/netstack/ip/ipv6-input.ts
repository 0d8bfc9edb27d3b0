/** Reads IPv6 packets (RFC 8200 §3). */
import type { Counters, DropReason } from '../counters.js';
import type { Frame } from '../frame.js';
import type { InPacket } from './in-packet.js';
import type { NetInterface } from './net-interface.js';
import type { Routing } from './routing.js';

const HEADER_BYTES = 40;

export class Ipv6Input {
  readonly #routing: Routing;
  readonly #counters: Counters;

  constructor(routing: Routing, counters: Counters) {
    this.#routing = routing;
    this.#counters = counters;
  }

  /** Reads the packet in a frame. Returns false if it was dropped; the frame stays the caller's. */
  read(packet: InPacket, netInterface: NetInterface, frame: Frame): boolean {
    const { view, start } = frame;
    const available = frame.end - start;
    if (available < HEADER_BYTES) return this.#drop('shortPacket');
    const payloadBytes = view.getUint16(start + 4);
    if (payloadBytes + HEADER_BYTES > available) return this.#drop('badTotalLength');
    frame.end = start + HEADER_BYTES + payloadBytes;
    packet.readAddresses6(frame);
    if (!this.#hasGoodSource(packet, netInterface)) return false;
    const { destinationA, destinationB, destinationC, destinationD } = packet;
    packet.isGroup = destinationA >>> 24 === 0xff;
    if (!this.#routing.isOwnWords(destinationA, destinationB, destinationC, destinationD)) {
      return this.#drop('notForThisHost');
    }
    packet.ecn = (view.getUint16(start) >>> 4) & 3;
    packet.protocol = view.getUint8(start + 6);
    packet.hopLimit = view.getUint8(start + 7);
    packet.frame = frame;
    packet.headerStart = start;
    packet.start = start + HEADER_BYTES;
    packet.end = frame.end;
    return true;
  }

  #drop(reason: DropReason): false {
    this.#counters.drop(reason);
    return false;
  }

  /** Checks the source (RFC 4291 §2.5.2, §2.5.3, §2.7): an address of one host, and not of this one. */
  #hasGoodSource(packet: InPacket, netInterface: NetInterface): boolean {
    const { sourceA, sourceB, sourceC, sourceD } = packet;
    if (sourceA >>> 24 === 0xff) return this.#drop('badSource');
    if (netInterface.isLoopback) return true;
    // ::, ::1 and IPv4-mapped addresses are on no link.
    if (sourceA === 0 && sourceB === 0) return this.#drop('badSource');
    if (this.#routing.isOwnWords(sourceA, sourceB, sourceC, sourceD)) return this.#drop('spoofedSource');
    return true;
  }
}
