/** Finds the way out: interfaces, routes, and the paths that transports keep. */
import { Address } from '../wire/address.js';
import { Hop } from './hop.js';
import { Path, type Router } from './ip-path.js';
import type { NetInterface } from './net-interface.js';
import type { PathMtus } from './path-mtu.js';
import { Prefix } from './prefix.js';
import { RouteTable } from './route-table.js';
import { selectSource } from './source-selection.js';

/** Paths, and next hops of packets that are passed on, that are kept by a hash of their addresses. */
const SLOTS = 1024;

interface KeptHop {
  readonly destination: Address;
  readonly hop: Hop;
}

/** The addresses of every host's loopback interface. */
export const LOOPBACK_ADDRESSES = [Prefix.parse('127.0.0.1/8'), Prefix.parse('::1/128')] as const;

export class Routing implements Router {
  readonly routes = new RouteTable();
  readonly #interfaces: NetInterface[] = [];
  readonly #loopback: NetInterface;
  readonly #pathMtus: PathMtus;
  readonly #paths = new Array<Path | undefined>(SLOTS).fill(undefined);
  readonly #hops = new Array<KeptHop | undefined>(SLOTS).fill(undefined);
  #generation = 0;

  constructor(loopback: NetInterface, pathMtus: PathMtus) {
    this.#loopback = loopback;
    this.#pathMtus = pathMtus;
    this.#interfaces.push(loopback);
  }

  get generation(): number {
    return this.#generation;
  }

  get interfaces(): readonly NetInterface[] {
    return this.#interfaces;
  }

  addInterface(netInterface: NetInterface): void {
    this.#interfaces.push(netInterface);
  }

  /** Has every path look up its next hop and its MTU again. */
  changed(): void {
    this.#generation = (this.#generation + 1) | 0;
    this.#paths.fill(undefined);
    this.#hops.fill(undefined);
  }

  isOwnWords(a: number, b: number, c: number, d: number): boolean {
    for (const netInterface of this.#interfaces) if (netInterface.hasWords(a, b, c, d)) return true;
    return false;
  }

  isOwn(address: Address): boolean {
    return this.isOwnWords(address.a, address.b, address.c, address.d);
  }

  /** Returns the path; `undefined` if no interface leads there, or `source` is not this host's. */
  pathTo(destination: Address, source: Address | undefined): Path | undefined {
    if (source === undefined) return this.#newPath(destination, undefined);
    const slot = slotOf(destination.c ^ destination.d ^ Math.imul(source.d, 31));
    const kept = this.#paths[slot];
    if (kept?.destination.equals(destination) && kept.source.equals(source)) return kept;
    const path = this.#newPath(destination, source);
    this.#paths[slot] = path;
    return path;
  }

  nextHop(source: Address, destination: Address): Hop | undefined {
    if (!this.isOwn(source)) return undefined;
    return this.#hopTo(destination, source);
  }

  /** Returns the next hop of a packet that is passed on to the address of these words. */
  hopForWords(a: number, b: number, c: number, d: number): Hop | undefined {
    const slot = slotOf(c ^ d);
    const kept = this.#hops[slot];
    const to = kept?.destination;
    if (kept !== undefined && to?.d === d && to.c === c && to.b === b && to.a === a) return kept.hop;
    const destination = new Address(a, b, c, d);
    const hop = this.#hopTo(destination, undefined);
    if (hop !== undefined) this.#hops[slot] = { destination, hop };
    return hop;
  }

  #newPath(destination: Address, source: Address | undefined): Path | undefined {
    if (destination.isUnspecified()) return undefined;
    if (source !== undefined && (source.family !== destination.family || !this.isOwn(source)))
      return undefined;
    const hop = this.#hopTo(destination, source);
    if (hop === undefined) return undefined;
    const from = source ?? this.#sourceFor(destination, hop);
    return from === undefined ? undefined : new Path(from, destination, hop, this);
  }

  #hopTo(destination: Address, source: Address | undefined): Hop | undefined {
    if (this.isOwn(destination) || destination.isLoopback())
      return this.#hop(this.#loopback, destination, true);
    // A loopback address never leaves its host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    if (source?.isLoopback()) return undefined;
    const isLinkScoped = destination.isMulticast() || destination.isBroadcast() || destination.isLinkLocal();
    const from = isLinkScoped && source !== undefined ? this.#interfaceOf(source) : undefined;
    const route = this.routes.find(destination, from);
    if (route !== undefined) {
      const { netInterface, gateway } = route;
      return this.#hop(netInterface, destination, gateway === undefined, gateway);
    }
    if (!destination.isMulticast() && !destination.isBroadcast()) return undefined;
    const netInterface = from ?? this.#firstInterface(destination.family);
    return netInterface === undefined ? undefined : this.#hop(netInterface, destination, true);
  }

  #hop(netInterface: NetInterface, destination: Address, isOnLink: boolean, gateway?: Address): Hop {
    const told = this.#pathMtus.find(destination);
    const linkMtu = destination.family === 4 ? netInterface.device.mtu : netInterface.mtu6;
    const mtu = Math.min(linkMtu, told?.mtu ?? Infinity);
    const limits = { mtu, mayFragment: told?.mayFragment ?? false };
    return new Hop(netInterface, gateway ?? destination, limits, isOnLink);
  }

  #interfaceOf(address: Address): NetInterface | undefined {
    return this.#interfaces.find((netInterface) => netInterface.has(address));
  }

  #firstInterface(family: 4 | 6): NetInterface | undefined {
    return this.#interfaces.find(
      ({ isLoopback, addresses }) => !isLoopback && addresses.some((own) => own.family === family),
    );
  }

  #sourceFor(destination: Address, hop: Hop): Address | undefined {
    if (this.isOwn(destination)) return destination;
    const own = selectSource(hop.netInterface, destination, hop.address);
    if (own !== undefined || destination.isLinkLocal()) return own;
    // An interface without an address of its own sends by that of another one.
    for (const other of this.#interfaces) {
      const source = other.isLoopback ? undefined : selectSource(other, destination, hop.address);
      if (source !== undefined) return source;
    }
    return undefined;
  }
}

function slotOf(words: number): number {
  return Math.imul(words, 0x9e37_79b1) >>> 22;
}
