/** Finds the way out: interfaces, routes, and the paths that transports keep. */
import { Address } from '../wire/address.js';
import { Hop } from './hop.js';
import { Path, type Router } from './ip-path.js';
import type { NetInterface } from './net-interface.js';
import { OwnAddresses } from './own-addresses.js';
import type { PathMtu, PathMtus } from './path-mtu.js';
import { PathTable } from './path-table.js';
import { Prefix } from './prefix.js';
import { type Route, RouteTable } from './route-table.js';
import { selectSource } from './source-selection.js';

/** The addresses of every host's loopback interface. */
export const LOOPBACK_ADDRESSES = [Prefix.parse('127.0.0.1/8'), Prefix.parse('::1/128')] as const;

export class Routing implements Router {
  readonly routes = new RouteTable();
  readonly #interfaces: NetInterface[] = [];
  readonly #loopback: NetInterface;
  readonly #pathMtus: PathMtus;
  readonly #own = new OwnAddresses();
  readonly #paths = new PathTable(true);
  /** Those whose source the host has chosen; each is in `#paths` as well. */
  readonly #chosenPaths = new PathTable(false);
  /** The next hops of routes through a gateway. */
  readonly #gateways = new Map<Route, Hop>();
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

  /** Number of paths that are kept. */
  get paths(): number {
    return this.#paths.size;
  }

  /** Has every path look up its next hop and its MTU again. */
  changed(): void {
    this.#generation = (this.#generation + 1) | 0;
    this.#own.set(this.#interfaces);
    this.#paths.clear();
    this.#chosenPaths.clear();
    this.#gateways.clear();
  }

  isOwnWords(a: number, b: number, c: number, d: number): boolean {
    return this.#own.has(a, b, c, d);
  }

  isOwn(address: Address): boolean {
    return this.#own.has(address.a, address.b, address.c, address.d);
  }

  /** Returns the path; `undefined` if no interface leads there, or `source` is not this host's. */
  pathTo(destination: Address, source: Address | undefined): Path | undefined {
    const kept = (source === undefined ? this.#chosenPaths : this.#paths).find(destination, source);
    if (kept !== undefined) return kept;
    const path = this.#newPath(destination, source);
    if (path === undefined) return undefined;
    if (source !== undefined) {
      this.#paths.add(path);
      return path;
    }
    const shared = this.#paths.find(destination, path.source);
    if (shared === undefined) this.#paths.add(path);
    this.#chosenPaths.add(shared ?? path);
    return shared ?? path;
  }

  nextHop(source: Address, destination: Address): Hop | undefined {
    if (!this.isOwn(source)) return undefined;
    return this.hopTo(destination, source);
  }

  /**
   * Returns the next hop of packets to an address.
   * @param source `undefined`: the packets are another host's, or have none yet.
   */
  hopTo(destination: Address, source: Address | undefined): Hop | undefined {
    if (this.isOwn(destination) || destination.isLoopback())
      return new Hop(this.#loopback, destination, true);
    // A loopback address never leaves its host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    if (source?.isLoopback()) return undefined;
    const isLinkScoped = destination.isMulticast() || destination.isBroadcast() || destination.isLinkLocal();
    const from = isLinkScoped && source !== undefined ? this.#interfaceOf(source) : undefined;
    const route = this.routes.find(destination, from);
    if (route !== undefined) return this.#hopOf(route, destination);
    if (!destination.isMulticast() && !destination.isBroadcast()) return undefined;
    const netInterface = from ?? this.#firstInterface(destination.family);
    return netInterface === undefined ? undefined : new Hop(netInterface, destination, true);
  }

  toldMtu(destination: Address): PathMtu | undefined {
    return this.#pathMtus.find(destination);
  }

  #newPath(destination: Address, source: Address | undefined): Path | undefined {
    if (destination.isUnspecified()) return undefined;
    if (source !== undefined && (source.family !== destination.family || !this.isOwn(source)))
      return undefined;
    const hop = this.hopTo(destination, source);
    if (hop === undefined) return undefined;
    const from = source ?? this.#sourceFor(destination, hop);
    return from === undefined ? undefined : new Path(from, destination, hop, this);
  }

  /** All destinations behind a gateway have one hop. */
  #hopOf(route: Route, destination: Address): Hop {
    const { netInterface, gateway } = route;
    if (gateway === undefined) return new Hop(netInterface, destination, true);
    const kept = this.#gateways.get(route);
    if (kept !== undefined) return kept;
    const hop = new Hop(netInterface, gateway, false);
    this.#gateways.set(route, hop);
    return hop;
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
