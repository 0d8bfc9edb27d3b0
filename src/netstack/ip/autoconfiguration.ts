/**
 * Makes IPv6 addresses, routes and the link's MTU from what routers advertise (RFC 4861 §6.3, RFC 4862 §5.5).
 */
import { Timer } from '../../support/timers.js';
import { Address, ANY_IPV6 } from '../wire/address.js';
import type { MacAddress } from '../wire/ethernet.js';
import { Icmp6, PROTOCOL_ICMPV6, pseudoSum6, writeIcmpChecksum } from '../wire/icmp.js';
import { readAddress } from '../wire/ipv6.js';
import { findMac, NdOption, type NdOptionView, readNdOptions, writeMacOption } from '../wire/ndp.js';
import type { IpContext } from './context.js';
import type { EthernetLink } from './ethernet-link.js';
import type { InPacket } from './in-packet.js';
import { sumOfAddress } from './ip-path.js';
import type { NetInterface } from './net-interface.js';
import { ND_HOP_LIMIT } from './nd.js';
import { LEAST_MTU6 } from './path-mtu.js';
import { Prefix } from './prefix.js';
import type { Route } from './route-table.js';

/** Routers, and prefixes, of one interface. */
export const MOST_ROUTERS = 8;
export const MOST_PREFIXES = 16;

/** RTR_SOLICITATION_INTERVAL and MAX_RTR_SOLICITATIONS (RFC 4861 §10). */
const SOLICITATION_MS = 4000;
const MOST_SOLICITATIONS = 3;
/** Advertisements without authentication do not shorten a lifetime below this (RFC 4862 §5.5.3(e)). */
const TWO_HOURS_MS = 7_200_000;
/** Lifetime in seconds that never ends. */
const FOREVER = 0xffff_ffff;

const ADVERTISEMENT_BYTES = 16;
const PREFIX_OPTION_BYTES = 32;
const ON_LINK = 0x80;
const AUTONOMOUS = 0x40;
/** ff02::2. */
const ALL_ROUTERS = new Address(0xff02_0000, 0, 0, 2);
const DEFAULT_PREFIX = Prefix.parse('::/0');

/** Adds and removes what was advertised. */
export interface AutoconfigurationHost {
  claimAddress(netInterface: NetInterface, prefix: Prefix, onWon: () => void): boolean;
  removeAddress(netInterface: NetInterface, address: Address): void;
}

interface Kept {
  readonly key: string;
  readonly timer: Timer;
}

interface KeptRoute extends Kept {
  readonly route: Route;
}

interface KeptAddress extends Kept {
  readonly prefix: Prefix;
  preferredUntilMs: number;
  validUntilMs: number;
}

/** Returns the address of an interface in a prefix of 64 bits (RFC 4291 appendix A). */
export function interfaceAddress(prefix: Address, mac: MacAddress): Address {
  const c = ((mac.high ^ 0x0200) << 16) | ((mac.low >>> 24) << 8) | 0xff;
  return new Address(prefix.a, prefix.b, c, 0xfe00_0000 | (mac.low & 0xff_ffff));
}

export class Autoconfiguration {
  readonly #context: IpContext;
  readonly #host: AutoconfigurationHost;
  readonly #netInterface: NetInterface;
  readonly #link: EthernetLink;
  readonly #routes = new Map<string, KeptRoute>();
  readonly #addresses = new Map<string, KeptAddress>();
  #solicitations = 0;
  readonly #solicitTimer = new Timer({
    due: () => {
      this.solicit();
    },
  });

  constructor(
    context: IpContext,
    host: AutoconfigurationHost,
    netInterface: NetInterface,
    link: EthernetLink,
  ) {
    this.#context = context;
    this.#host = host;
    this.#netInterface = netInterface;
    this.#link = link;
  }

  /** Asks for routers (RFC 4861 §6.3.7), until one answers. */
  solicit(): void {
    if (this.#solicitations >= MOST_SOLICITATIONS) return;
    this.#solicitations += 1;
    this.#sendSolicitation();
    this.#context.timers.arm(this.#solicitTimer, this.#context.clock.nowMs() + SOLICITATION_MS);
  }

  /** Takes a router advertisement whose checksum is right. */
  receive(packet: InPacket): void {
    const { frame, start, end, hopLimit, sourceA } = packet;
    const { view } = frame;
    const isLong = end - start >= ADVERTISEMENT_BYTES;
    const options = isLong ? readNdOptions(frame.bytes, start + ADVERTISEMENT_BYTES, end) : undefined;
    const isFromLink = hopLimit === ND_HOP_LIMIT && sourceA >>> 22 === 0xfe80 >>> 6;
    if (options === undefined || !isFromLink || view.getUint8(start + 1) !== 0) {
      this.#context.counters.drop('badNeighbourMessage');
      return;
    }
    this.#context.timers.disarm(this.#solicitTimer);
    this.#solicitations = MOST_SOLICITATIONS;
    const router = packet.source();
    const mac = findMac(view, options, NdOption.SOURCE_MAC);
    if (mac !== undefined) this.#link.nd.table.learn(this.#link.nd.table.entryOf(router), mac, false);
    this.#setRoute(DEFAULT_PREFIX, router, view.getUint16(start + 6));
    for (const option of options) this.#option(view, option);
  }

  #option(view: DataView, { kind, start, end }: NdOptionView): void {
    if (kind === NdOption.MTU && end - start === 8) this.#setMtu(view.getUint32(start + 4));
    if (kind !== NdOption.PREFIX || end - start !== PREFIX_OPTION_BYTES) return;
    const length = view.getUint8(start + 2);
    const flags = view.getUint8(start + 3);
    const validS = view.getUint32(start + 4);
    const preferredS = view.getUint32(start + 8);
    const address = readAddress(view, start + 16);
    if (length > 128 || address.isLinkLocal() || address.isMulticast() || address.family === 4) return;
    if ((flags & ON_LINK) !== 0) this.#setRoute(new Prefix(address, length), undefined, validS);
    // Only prefixes of 64 bits fit the interface's part (RFC 4862 §5.5.3(d)).
    if ((flags & AUTONOMOUS) !== 0 && length === 64 && preferredS <= validS) {
      this.#setAddress(interfaceAddress(address, this.#link.mac), validS, preferredS);
    }
  }

  #setMtu(mtu: number): void {
    if (mtu < LEAST_MTU6 || mtu > this.#netInterface.device.mtu || mtu === this.#netInterface.mtu6) return;
    this.#netInterface.mtu6 = mtu;
    this.#context.routing.changed();
  }

  #untilMs(seconds: number): number {
    return seconds === FOREVER ? Infinity : this.#context.clock.nowMs() + seconds * 1000;
  }

  #arm({ timer }: Kept, atMs: number): void {
    if (atMs === Infinity) this.#context.timers.disarm(timer);
    else this.#context.timers.arm(timer, atMs);
  }

  /** Keeps a route for some seconds; 0 removes it. */
  #setRoute(prefix: Prefix, gateway: Address | undefined, seconds: number): void {
    const key = `${prefix.address.toString()}/${prefix.length} ${gateway?.toString() ?? ''}`;
    const known = this.#routes.get(key);
    if (seconds === 0) {
      if (known !== undefined) this.#removeRoute(known);
      return;
    }
    if (known !== undefined) {
      this.#arm(known, this.#untilMs(seconds));
      return;
    }
    const route = { prefix, gateway, netInterface: this.#netInterface };
    const isFull = this.#hasAllRoutes(gateway !== undefined);
    if (isFull || !this.#context.routing.routes.add(route)) return;
    const due = (): void => {
      this.#removeRoute(kept);
    };
    const kept = { key, route, timer: new Timer({ due }) };
    this.#routes.set(key, kept);
    this.#arm(kept, this.#untilMs(seconds));
    this.#context.routing.changed();
  }

  /** Returns true if there are as many routers, or prefixes of the link, as may be. */
  #hasAllRoutes(ofRouters: boolean): boolean {
    const alike = [...this.#routes.values()].filter(
      ({ route }) => (route.gateway !== undefined) === ofRouters,
    );
    return alike.length >= (ofRouters ? MOST_ROUTERS : MOST_PREFIXES);
  }

  #removeRoute({ key, route, timer }: KeptRoute): void {
    this.#context.timers.disarm(timer);
    this.#routes.delete(key);
    this.#context.routing.routes.remove(route);
    this.#context.routing.changed();
  }

  /** RFC 4862 §5.5.3(d), (e). */
  #setAddress(address: Address, validS: number, preferredS: number): void {
    const known = this.#addresses.get(address.toString());
    const validUntilMs = this.#untilMs(validS);
    if (known !== undefined) {
      const nowMs = this.#context.clock.nowMs();
      const isBelieved = validUntilMs > nowMs + TWO_HOURS_MS || validUntilMs > known.validUntilMs;
      const leastMs = Math.min(known.validUntilMs, nowMs + TWO_HOURS_MS);
      known.validUntilMs = isBelieved ? validUntilMs : leastMs;
      known.preferredUntilMs = this.#untilMs(preferredS);
      this.#age(known);
      return;
    }
    const isFull = this.#addresses.size >= MOST_PREFIXES;
    if (validS === 0 || isFull || this.#netInterface.has(address) || this.#netInterface.isTentative(address))
      return;
    const due = (): void => {
      this.#age(kept);
    };
    const timer = new Timer({ due });
    const prefix = new Prefix(address, 128);
    const preferredUntilMs = this.#untilMs(preferredS);
    const kept: KeptAddress = { key: address.toString(), prefix, timer, preferredUntilMs, validUntilMs };
    if (!this.#host.claimAddress(this.#netInterface, prefix, () => undefined)) return;
    this.#addresses.set(kept.key, kept);
    this.#age(kept);
  }

  /** Deprecates or removes an address whose time is over (RFC 4862 §5.5.4). */
  #age(kept: KeptAddress): void {
    const nowMs = this.#context.clock.nowMs();
    const { prefix, preferredUntilMs, validUntilMs } = kept;
    if (nowMs >= validUntilMs) {
      this.#addresses.delete(kept.key);
      this.#context.timers.disarm(kept.timer);
      this.#host.removeAddress(this.#netInterface, prefix.address);
      return;
    }
    const isDeprecated = nowMs >= preferredUntilMs;
    this.#netInterface.setDeprecated(prefix, isDeprecated);
    this.#arm(kept, isDeprecated ? validUntilMs : Math.min(preferredUntilMs, validUntilMs));
  }

  #sendSolicitation(): void {
    const source = this.#netInterface.linkLocal() ?? ANY_IPV6;
    const hasMac = source !== ANY_IPV6;
    const bytes = hasMac ? 16 : 8;
    const frame = this.#context.frames.take(bytes);
    const { view, start } = frame;
    frame.end = start + bytes;
    view.setUint32(start, Icmp6.ROUTER_SOLICITATION << 24);
    view.setUint32(start + 4, 0);
    if (hasMac) writeMacOption(view, start + 8, NdOption.SOURCE_MAC, this.#link.mac);
    const sum = pseudoSum6(sumOfAddress(source) + sumOfAddress(ALL_ROUTERS), bytes);
    writeIcmpChecksum(view, start, frame.end, sum);
    const packet = { source, destination: ALL_ROUTERS, protocol: PROTOCOL_ICMPV6, hopLimit: ND_HOP_LIMIT };
    this.#context.output.sendOnLink(this.#netInterface, frame, packet);
  }
}
