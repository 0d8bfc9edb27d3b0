/** A network interface of a host: a device, its addresses, and the frames that come in through it. */
import type { Device } from '../device.js';
import type { Frame } from '../frame.js';
import { Address } from '../wire/address.js';
import type { EthernetLink } from './ethernet-link.js';
import type { Prefix } from './prefix.js';

/** Addresses of one interface; groups that programs have joined on it. */
export const MOST_ADDRESSES = 64;
export const MOST_GROUPS = 64;

/** 224.0.0.1, which every IPv4 host is a member of (RFC 1112 §7.2), and ff02::1 (RFC 4291 §2.8). */
const ALL_HOSTS4 = Address.ofIpv4(0xe000_0001);
export const ALL_NODES6 = new Address(0xff02_0000, 0, 0, 1);

/** The host of an interface. */
export interface InterfaceHost {
  /** Takes a frame, and owns it from now on. */
  receiveFrame(netInterface: NetInterface, frame: Frame): void;
  /** The interface has other addresses, or they have other properties. */
  addressesChanged(): void;
}

export class NetInterface {
  readonly name: string;
  readonly device: Device;
  readonly isLoopback: boolean;
  /** The link of a device of medium `ethernet`. */
  link: EthernetLink | undefined;
  /** Bytes of the largest IPv6 packet: the device's, or fewer where a router says so (RFC 4861 §6.3.4). */
  mtu6: number;
  readonly #host: InterfaceHost;
  readonly #addresses: Prefix[] = [];
  readonly #tentative: Prefix[] = [];
  /** Addresses that new connections avoid: their preferred lifetime is over (RFC 4862 §5.5.4). */
  readonly #deprecated = new Set<Prefix>();
  readonly #groups: Address[] = [];
  /** The broadcast addresses of the IPv4 subnets. */
  readonly #broadcastWords: number[] = [];

  constructor(name: string, device: Device, host: InterfaceHost, isLoopback: boolean) {
    this.name = name;
    this.device = device;
    this.mtu6 = device.mtu;
    this.isLoopback = isLoopback;
    this.#host = host;
  }

  /** Ethernet address as text; `undefined` if the device has none. */
  get mac(): string | undefined {
    return this.link?.mac.toString();
  }

  /** Addresses in use, each with the length of its link's prefix. */
  get addresses(): readonly Prefix[] {
    return this.#addresses;
  }

  /** Addresses that are not used yet, because another host may have them. */
  get tentative(): readonly Prefix[] {
    return this.#tentative;
  }

  /** Groups that programs have joined. */
  get groups(): readonly Address[] {
    return this.#groups;
  }

  /** Takes a frame that the device has received, and owns it from now on. */
  receive(frame: Frame): void {
    this.#host.receiveFrame(this, frame);
  }

  /** Adds an address. Returns false if there are too many. `Ip` calls it, and sets the route. */
  addAddress(address: Prefix): boolean {
    if (this.#addresses.length >= MOST_ADDRESSES) return false;
    remove(this.#tentative, address.address);
    this.#addresses.push(address);
    this.#changed();
    return true;
  }

  addTentative(address: Prefix): boolean {
    if (this.#tentative.length >= MOST_ADDRESSES) return false;
    this.#tentative.push(address);
    return true;
  }

  removeAddress(address: Address): void {
    remove(this.#tentative, address);
    const removed = remove(this.#addresses, address);
    if (removed === undefined) return;
    this.#deprecated.delete(removed);
    this.#changed();
  }

  setDeprecated(address: Prefix, on: boolean): void {
    if (on === this.#deprecated.has(address)) return;
    if (on) this.#deprecated.add(address);
    else this.#deprecated.delete(address);
    this.#changed();
  }

  isDeprecated(address: Prefix): boolean {
    return this.#deprecated.has(address);
  }

  /** Joins a group. Returns false if there are too many. */
  addGroup(group: Address): boolean {
    if (this.#groups.some((joined) => joined.equals(group))) return true;
    if (this.#groups.length >= MOST_GROUPS) return false;
    this.#groups.push(group);
    return true;
  }

  removeGroup(group: Address): void {
    const index = this.#groups.findIndex((joined) => joined.equals(group));
    if (index >= 0) this.#groups.splice(index, 1);
  }

  has(address: Address): boolean {
    return this.#addresses.some((own) => own.address.equals(address));
  }

  isTentative(address: Address): boolean {
    return this.#tentative.some((prefix) => prefix.address.equals(address));
  }

  /** Returns the link-local IPv6 address; `undefined` if there is none yet. */
  linkLocal(): Address | undefined {
    return this.#addresses.find(({ address }) => address.isLinkLocal())?.address;
  }

  /** Returns true if the word is the broadcast address of one of this interface's IPv4 subnets. */
  isBroadcastWord(word: number): boolean {
    for (const broadcast of this.#broadcastWords) if (broadcast === word) return true;
    return false;
  }

  /** Returns true if the interface is a member of the group of these words. */
  isMember(a: number, b: number, c: number, d: number): boolean {
    for (const group of this.#groups) {
      if (group.d === d && group.c === c && group.b === b && group.a === a) return true;
    }
    const all = a === 0 ? ALL_HOSTS4 : ALL_NODES6;
    if (all.d === d && all.c === c && all.b === b && all.a === a) return true;
    // ff02::1:ff00:0/104 with the last 24 bits of an own address (RFC 4291 §2.7.1).
    if (a !== ALL_NODES6.a || b !== 0 || c !== 1 || d >>> 24 !== 0xff) return false;
    return hasLowBits(this.#addresses, d) || hasLowBits(this.#tentative, d);
  }

  #changed(): void {
    const words = this.#addresses.flatMap((prefix) => prefix.broadcastWords());
    this.#broadcastWords.splice(0, this.#broadcastWords.length, ...words);
    this.#host.addressesChanged();
  }
}

/** Returns the solicited-node group of an IPv6 address (RFC 4291 §2.7.1). */
export function solicitedNode(address: Address): Address {
  return new Address(ALL_NODES6.a, 0, 1, 0xff00_0000 | (address.d & 0xff_ffff));
}

function hasLowBits(addresses: readonly Prefix[], word: number): boolean {
  for (const { address, family } of addresses) {
    if (family === 6 && ((address.d ^ word) & 0xff_ffff) === 0) return true;
  }
  return false;
}

function remove(addresses: Prefix[], address: Address): Prefix | undefined {
  const index = addresses.findIndex((prefix) => prefix.address.equals(address));
  return index < 0 ? undefined : addresses.splice(index, 1)[0];
}
