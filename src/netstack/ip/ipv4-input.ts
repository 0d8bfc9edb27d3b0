/** Reads IPv4 packets (RFC 791 §3.1, RFC 1122 §3.2.1). */
import type { Counters, DropReason } from '../counters.js';
import type { Frame } from '../frame.js';
import { fold, sumWords } from '../wire/checksum.js';
import type { InPacket } from './in-packet.js';
import type { NetInterface } from './net-interface.js';
import type { Routing } from './routing.js';

/** 224.0.0.1. */
const ALL_HOSTS = 0xe000_0001 | 0;

export class Ipv4Input {
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
    if (available < 20) return this.#drop('shortPacket');
    const headerBytes = (view.getUint8(start) & 15) * 4;
    if (headerBytes < 20 || headerBytes > available) return this.#drop('badHeaderLength');
    const totalBytes = view.getUint16(start + 2);
    if (totalBytes < headerBytes || totalBytes > available) return this.#drop('badTotalLength');
    if (fold(sumWords(view, start, start + headerBytes)) !== 0xffff) return this.#drop('badHeaderChecksum');
    // Ethernet pads short packets.
    frame.end = start + totalBytes;
    packet.readAddresses4(frame);
    if (!this.#hasGoodSource(packet, netInterface)) return false;
    if (!this.#isForThisHost(packet, netInterface)) return this.#drop('notForThisHost');
    if ((view.getUint16(start + 6) & 0x3fff) !== 0) return this.#drop('fragment');
    packet.ecn = view.getUint8(start + 1) & 3;
    packet.hopLimit = view.getUint8(start + 8);
    packet.protocol = view.getUint8(start + 9);
    packet.frame = frame;
    packet.headerStart = start;
    packet.start = start + headerBytes;
    packet.end = frame.end;
    return true;
  }

  #drop(reason: DropReason): false {
    this.#counters.drop(reason);
    return false;
  }

  /** Checks the source (RFC 1122 §3.2.1.3): an address of one host, and not of this one. */
  #hasGoodSource(packet: InPacket, netInterface: NetInterface): boolean {
    const word = packet.sourceD;
    // 0/8, 127/8, and 224/3: multicast, reserved and broadcast.
    const net = word >>> 24;
    if (netInterface.isLoopback) return net === 0 || net >= 224 ? this.#drop('badSource') : true;
    if (net === 0 || net === 127 || net >= 224) return this.#drop('badSource');
    if (netInterface.isBroadcastWord(word)) return this.#drop('badSource');
    if (this.#isOwn(packet, word)) return this.#drop('spoofedSource');
    return true;
  }

  #isOwn(packet: InPacket, word: number): boolean {
    return this.#routing.isOwnWords(packet.destinationA, packet.destinationB, packet.destinationC, word);
  }

  #isForThisHost(packet: InPacket, netInterface: NetInterface): boolean {
    const word = packet.destinationD;
    packet.isGroup = false;
    const isLoopback = word >>> 24 === 127;
    if (isLoopback) return netInterface.isLoopback;
    if (this.#isOwn(packet, word)) return true;
    // 224.0.0.1 is the only group of a host that has joined none (RFC 1112 §7.2).
    packet.isGroup = word === -1 || word === ALL_HOSTS || netInterface.isBroadcastWord(word);
    return packet.isGroup;
  }
}
