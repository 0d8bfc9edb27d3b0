/** A packet that has come in, as IP has read it. The host has one object for all packets. */
import { HEADROOM, Frame } from '../frame.js';
import type { NetInterface } from './net-interface.js';
import type { IpPacket } from '../tcp/ip-service.js';
import { Address, MAPPED_WORD } from '../wire/address.js';

/** Frame of a packet that has none. */
const NO_FRAME = new Frame(HEADROOM);

export class InPacket implements IpPacket {
  /** Interface that the packet came in through. */
  netInterface: NetInterface | undefined;
  family: 4 | 6 = 4;
  sourceA = 0;
  sourceB = 0;
  sourceC = 0;
  sourceD = 0;
  destinationA = 0;
  destinationB = 0;
  destinationC = 0;
  destinationD = 0;
  addressSum = 0;
  ecn = 0;
  frame: Frame = NO_FRAME;
  /** First byte of the IP header. */
  headerStart = 0;
  start = 0;
  end = 0;
  protocol = 0;
  /** Offset in the packet of the field that holds `protocol`. */
  protocolAt = 0;
  hopLimit = 0;
  /** Offset and flag of an IPv4 fragment, as the header has them; 0 in a packet that is whole. */
  fragment = 0;
  isGroup = false;

  source(): Address {
    return new Address(this.sourceA, this.sourceB, this.sourceC, this.sourceD);
  }

  destination(): Address {
    return new Address(this.destinationA, this.destinationB, this.destinationC, this.destinationD);
  }

  /** Returns true if the packet is to this address. */
  isTo({ a, b, c, d }: Address): boolean {
    const { destinationA, destinationB, destinationC, destinationD } = this;
    return d === destinationD && c === destinationC && b === destinationB && a === destinationA;
  }

  /** Sets both addresses of an IPv4 packet. */
  setAddresses4(source: number, destination: number, addressSum: number): void {
    this.family = 4;
    this.sourceA = this.sourceB = this.destinationA = this.destinationB = 0;
    this.sourceC = this.destinationC = MAPPED_WORD;
    this.sourceD = source;
    this.destinationD = destination;
    this.addressSum = addressSum;
  }

  /** Reads both addresses of an IPv6 header. */
  readAddresses6(frame: Frame): void {
    const { view, start } = frame;
    this.family = 6;
    this.sourceA = view.getInt32(start + 8);
    this.sourceB = view.getInt32(start + 12);
    this.sourceC = view.getInt32(start + 16);
    this.sourceD = view.getInt32(start + 20);
    this.destinationA = view.getInt32(start + 24);
    this.destinationB = view.getInt32(start + 28);
    this.destinationC = view.getInt32(start + 32);
    this.destinationD = view.getInt32(start + 36);
    let sum = 0;
    for (let at = start + 8; at < start + 40; at += 2) sum += view.getUint16(at);
    this.addressSum = sum;
  }
}
