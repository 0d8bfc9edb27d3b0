/** The next hop of packets: an interface, and a neighbour or group on its link. */
import type { Address } from '../wire/address.js';
import { groupMac, type MacAddress } from '../wire/ethernet.js';
import type { Neighbour } from './neighbour-table.js';
import type { NetInterface } from './net-interface.js';

export interface HopLimits {
  /** Bytes of the largest packet on the path. */
  readonly mtu: number;
  /** True: the path's MTU is lower than what is believed, and routers have to fragment. */
  readonly mayFragment: boolean;
}

export class Hop {
  readonly netInterface: NetInterface;
  /** Address on the link: the destination, or a router. */
  readonly address: Address;
  readonly mtu: number;
  readonly mayFragment: boolean;
  readonly isOnLink: boolean;
  /** Link address of a group; `undefined` if the address is that of one neighbour. */
  readonly groupMac: MacAddress | undefined;
  /** Entry of the neighbour, once it was looked up. */
  neighbour: Neighbour | undefined;

  constructor(netInterface: NetInterface, address: Address, limits: HopLimits, isOnLink: boolean) {
    this.netInterface = netInterface;
    this.address = address;
    this.mtu = limits.mtu;
    this.mayFragment = limits.mayFragment;
    this.isOnLink = isOnLink;
    const isBroadcast = address.family === 4 && (address.d === -1 || netInterface.isBroadcastWord(address.d));
    this.groupMac = isBroadcast || address.isMulticast() ? groupMac(address) : undefined;
  }
}
