/**
 * Finds the way out: interfaces, routes, the source address (RFC 6724), and the paths that transports keep.
 */
import type { Address } from '../wire/address.js';
import { type NextHop, Path, type Router } from './ip-path.js';
import type { NetInterface } from './net-interface.js';
import { Prefix } from './prefix.js';
import { RouteTable } from './route-table.js';

/** Paths that are kept for the next user, by a hash of their addresses. */
const PATH_SLOTS = 1024;

export class Routing implements Router {
  readonly routes = new RouteTable();
  readonly #interfaces: NetInterface[] = [];
  readonly #loopback: NetInterface;
  readonly #paths: (Path | undefined)[] = new Array<Path | undefined>(PATH_SLOTS).fill(undefined);
  #generation = 0;

  constructor(loopback: NetInterface) {
    this.#loopback = loopback;
    this.addInterface(loopback);
  }

  get generation(): number {
    return this.#generation;
  }

  get interfaces(): readonly NetInterface[] {
    return this.#interfaces;
  }

  addInterface(netInterface: NetInterface): void {
    this.#interfaces.push(netInterface);
    for (const prefix of netInterface.addresses) {
      this.routes.add({ prefix, gateway: undefined, netInterface });
    }
    this.changed();
  }

  /** Has every path look up its next hop and its MTU again. */
  changed(): void {
    this.#generation = (this.#generation + 1) | 0;
    this.#paths.fill(undefined);
  }

  isOwnWords(a: number, b: number, c: number, d: number): boolean {
    for (const netInterface of this.#interfaces) if (netInterface.hasWords(a, b, c, d)) return true;
    return false;
  }

  isOwn(address: Address): boolean {
    return this.isOwnWords(address.a, address.b, address.c, address.d);
  }

  pathTo(destination: Address, source: Address | undefined): Path | undefined {
    if (source === undefined) return this.#newPath(destination, undefined);
    const slot = (Math.imul(destination.d ^ destination.c ^ (source.d << 7), 0x9e3779b1) >>> 22) % PATH_SLOTS;
    const kept = this.#paths[slot];
    if (kept?.destination.equals(destination) && kept.source.equals(source)) return kept;
    const path = this.#newPath(destination, source);
    this.#paths[slot] = path;
    return path;
  }

  nextHop(source: Address, destination: Address): NextHop | undefined {
    if (!this.isOwn(source)) return undefined;
    return this.#hopTo(destination);
  }

  #newPath(destination: Address, source: Address | undefined): Path | undefined {
    if (destination.isUnspecified()) return undefined;
    if (source !== undefined && (source.family !== destination.family || !this.isOwn(source)))
      return undefined;
    const hop = this.#hopTo(destination);
    if (hop === undefined) return undefined;
    const from = source ?? this.#sourceFor(destination, hop);
    return from === undefined ? undefined : new Path(from, destination, hop, this);
  }

  #hopTo(destination: Address): NextHop | undefined {
    if (this.isOwn(destination) || destination.isLoopback()) {
      const netInterface = this.#loopback;
      return { netInterface, address: destination, mtu: netInterface.device.mtu, isOnLink: true };
    }
    const route = this.routes.find(destination);
    if (route === undefined) return undefined;
    const { netInterface, gateway } = route;
    return {
      netInterface,
      address: gateway ?? destination,
      mtu: netInterface.device.mtu,
      isOnLink: gateway === undefined,
    };
  }

  #sourceFor(destination: Address, hop: NextHop): Address | undefined {
    if (this.isOwn(destination)) return destination;
    const own = hop.netInterface.addresses.filter(({ family }) => family === destination.family);
    const near = own.find((prefix) => prefix.contains(hop.address));
    return (near ?? own[0])?.address;
  }
}

export const LOOPBACK_ADDRESSES = [Prefix.parse('127.0.0.1/8'), Prefix.parse('::1/128')] as const;
