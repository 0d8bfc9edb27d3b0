/** The Ethernet under an interface: its header, its address, and the neighbours on it. */
import type { Frame } from '../frame.js';
import { ETHERNET_HEADER_BYTES, EtherType, MacAddress, writeEthernet } from '../wire/ethernet.js';
import { AddressClaims } from './address-claims.js';
import { Arp } from './arp.js';
import type { Autoconfiguration } from './autoconfiguration.js';
import type { IpContext } from './context.js';
import type { Hop } from './hop.js';
import { ListenerReports } from './listener-reports.js';
import { Nd } from './nd.js';
import type { Neighbour } from './neighbour-table.js';
import type { NetInterface } from './net-interface.js';

/** Takes a packet whose neighbour did not answer. */
export type Unresolved = (netInterface: NetInterface, frame: Frame) => void;

export class EthernetLink {
  readonly mac: MacAddress;
  readonly arp: Arp;
  readonly nd: Nd;
  readonly claims: AddressClaims;
  readonly reports: ListenerReports;
  /** Takes what routers advertise; `undefined`: advertisements are ignored. */
  autoconfiguration: Autoconfiguration | undefined;
  /** True if the frame that `readHeader` has read last came to a group. */
  isGroup = false;
  readonly #netInterface: NetInterface;
  readonly #context: IpContext;

  constructor(context: IpContext, netInterface: NetInterface, mac: MacAddress, unresolved: Unresolved) {
    this.#context = context;
    this.#netInterface = netInterface;
    this.mac = mac;
    this.arp = new Arp(context, netInterface, this, unresolved);
    this.nd = new Nd(context, netInterface, this, unresolved);
    this.claims = new AddressClaims(context, netInterface, this);
    this.reports = new ListenerReports(context, netInterface);
  }

  /**
   * Reads the header of a frame and removes it. Returns the type of what follows; `undefined` if the frame
   * is to be dropped.
   */
  readHeader(frame: Frame): number | undefined {
    const { view, start } = frame;
    const { counters } = this.#context;
    if (frame.length < ETHERNET_HEADER_BYTES) {
      counters.drop('shortFrame');
      return undefined;
    }
    const high = view.getUint16(start);
    const sourceHigh = view.getUint16(start + 6);
    this.isGroup = (high & 0x0100) !== 0;
    const isOwn = high === this.mac.high && view.getInt32(start + 2) === this.mac.low;
    if (!isOwn && !this.isGroup) {
      counters.drop('otherMac');
      return undefined;
    }
    const isFromHere = sourceHigh === this.mac.high && view.getInt32(start + 8) === this.mac.low;
    if (isFromHere || (sourceHigh & 0x0100) !== 0) {
      counters.drop('badMac');
      return undefined;
    }
    frame.start = start + ETHERNET_HEADER_BYTES;
    return view.getUint16(start + 12);
  }

  /** Sends a packet to the next hop, once its link address is known. Owns the frame. */
  send(hop: Hop, frame: Frame): void {
    const isIpv4 = hop.address.family === 4;
    if (hop.groupMac !== undefined) {
      this.transmit(frame, hop.groupMac, isIpv4 ? EtherType.IPV4 : EtherType.IPV6);
      return;
    }
    const { table } = isIpv4 ? this.arp : this.nd;
    let neighbour = hop.neighbour;
    if (neighbour === undefined || neighbour.isRemoved) {
      neighbour = table.entryOf(hop.address);
      hop.neighbour = neighbour;
    }
    table.send(neighbour, frame);
  }

  /** Notes that the neighbour of a hop answers. */
  confirm({ address, neighbour }: Hop): void {
    if (neighbour === undefined || neighbour.isRemoved) return;
    (address.family === 4 ? this.arp : this.nd).table.confirm(neighbour);
  }

  /** Puts a header in front of what a frame has, and sends it. Owns the frame. */
  transmit(frame: Frame, to: MacAddress, etherType: number): void {
    frame.start -= ETHERNET_HEADER_BYTES;
    writeEthernet(frame.view, frame.start, to, this.mac, etherType);
    this.#netInterface.device.transmit(frame);
  }

  transmitTo(neighbour: Neighbour, frame: Frame): void {
    const isIpv4 = neighbour.address.family === 4;
    this.transmit(frame, neighbour.mac, isIpv4 ? EtherType.IPV4 : EtherType.IPV6);
  }
}
