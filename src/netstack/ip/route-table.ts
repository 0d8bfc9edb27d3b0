/** The routes of a host: the longest prefix decides (RFC 1812 §5.2.4.3), then the one added first. */
import type { Address } from '../wire/address.js';
import type { NetInterface } from './net-interface.js';
import type { Prefix } from './prefix.js';

/** Routes of one host. */
export const MOST_ROUTES = 1024;

export interface Route {
  readonly prefix: Prefix;
  /** Router on the interface's link; `undefined` if the prefix is on the link itself. */
  readonly gateway: Address | undefined;
  readonly netInterface: NetInterface;
}

export class RouteTable {
  /** The longest prefix first. */
  readonly #routes: Route[] = [];

  get size(): number {
    return this.#routes.length;
  }

  /** Adds a route. Returns false if the table is full. */
  add(route: Route): boolean {
    if (this.#routes.length >= MOST_ROUTES) return false;
    const shorter = this.#routes.findIndex(({ prefix }) => prefix.length < route.prefix.length);
    this.#routes.splice(shorter < 0 ? this.#routes.length : shorter, 0, route);
    return true;
  }

  remove(route: Route): void {
    const index = this.#routes.indexOf(route);
    if (index >= 0) this.#routes.splice(index, 1);
  }

  /** Returns the route with this very prefix on the link of an interface. */
  findOnLink(prefix: Prefix, netInterface: NetInterface): Route | undefined {
    return this.#routes.find((route) => route.prefix === prefix && route.netInterface === netInterface);
  }

  /** Returns the route to an address; only one through `netInterface`, if that is given. */
  find(address: Address, netInterface?: NetInterface): Route | undefined {
    return this.#routes.find(
      (route) =>
        route.prefix.contains(address) &&
        route.prefix.family === address.family &&
        (netInterface === undefined || route.netInterface === netInterface),
    );
  }
}
