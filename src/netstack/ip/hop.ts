/** The next hop of packets: an interface, and a neighbour or group on its link. */
import type { Address } from '../wire/address.js';
import { groupMac, type MacAddress } from '../wire/ethernet.js';
import type { Neighbour } from './neighbour-table.js';
import type { NetInterface } from './net-interface.js';

export class Hop {
  readonly netInterface: NetInterface;
  /** Address on the link: the destination, or a router. */
  readonly address: Address;
  /** Bytes of the largest packet that the link takes. */
  readonly mtu: number;
  /** True if the destination itself is on the link, or in this host. */
  readonly isOnLink: boolean;
  /** Link address of a group; `undefined` if the address is that of one neighbour. */
  readonly groupMac: MacAddress | undefined;
  /** Entry of the neighbour, once it was looked up. */
  neighbour: Neighbour | undefined;

  constructor(netInterface: NetInterface, address: Address, isOnLink: boolean) {
    const isIpv4 = address.family === 4;
    this.netInterface = netInterface;
    this.address = address;
    this.mtu = isIpv4 ? netInterface.device.mtu : netInterface.mtu6;
    this.isOnLink = isOnLink;
    const isBroadcast = isIpv4 && (address.d === -1 || netInterface.isBroadcastWord(address.d));
    this.groupMac = isBroadcast || address.isMulticast() ? groupMac(address) : undefined;
  }
}
