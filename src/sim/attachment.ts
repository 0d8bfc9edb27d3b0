/** The ends of links at hosts. */
import type { Direction } from '../link/direction.js';
import type { Host } from './host.js';

/** An end of a link at a host, which outlives the host's boots. */
export interface Attachment {
  readonly outgoing: Direction;
  readonly incoming: Direction;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  /** Addresses with the length of the link's prefix. */
  readonly addresses: readonly string[];
  readonly name: string;
  /** Returns the hosts at the other end. */
  neighbours(): readonly Neighbour[];
}

export interface Neighbour {
  readonly host: Host;
  /** Addresses that the host has on the link. */
  readonly addresses: readonly string[];
}

export interface Route {
  readonly prefix: string;
  readonly attachment: Attachment;
  readonly gateway: string | undefined;
}

/** Returns an address without the length of its prefix. */
export function bare(address: string): string {
  return address.replace(/\/.*$/, '');
}
