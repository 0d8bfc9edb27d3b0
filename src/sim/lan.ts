/**
 * A LAN: hosts at the ports of a switch, or stations at an access point. The link of each host has
 * impairments of its own; its first end is the host.
 */
import { Link, type LinkOptions } from '../link/link.js';
import { Switch } from '../link/switch.js';
import { bare, type Attachment, type Neighbour } from './attachment.js';
import type { Host } from './host.js';

/** Lengths of the prefixes of addresses that are given without one. */
const PREFIX_BITS = { 4: 24, 6: 64 } as const;

export interface LanOptions extends Omit<LinkOptions, 'medium' | 'nat'> {
  /** Hosts that join at once. */
  readonly hosts?: readonly Host[];
}

export interface JoinOptions extends Omit<LinkOptions, 'medium' | 'nat'> {
  /** Addresses on this LAN. Default: those of the host. */
  readonly address?: string | readonly string[];
}

/** Makes the links of a LAN in its network. */
export interface LanSurroundings {
  readonly ports: Switch;
  makeLink(host: Host, options: LinkOptions): Link;
}

export class Lan {
  readonly name: string;
  readonly #defaults: LinkOptions;
  readonly #around: LanSurroundings;
  readonly #members: (Neighbour & { readonly port: number; readonly link: Link })[] = [];

  constructor(name: string, { hosts = [], ...defaults }: LanOptions, around: LanSurroundings) {
    this.name = name;
    this.#defaults = defaults;
    this.#around = around;
    for (const host of hosts) this.join(host);
  }

  get hosts(): readonly Host[] {
    return this.#members.map(({ host }) => host);
  }

  /** Plugs a host in; `options` stand in front of those of the LAN. Returns the host's link. */
  join(host: Host, { address = host.addresses, ...options }: JoinOptions = {}): Link {
    const given = typeof address === 'string' ? [address] : address;
    const addresses = given.map((text) => withPrefix(text));
    const link = this.#around.makeLink(host, { ...this.#defaults, ...options, medium: 'ethernet' });
    const port = this.#around.ports.addPort(link.forward, link.backward);
    this.#members.push({ host, addresses: addresses.map(bare), port, link });
    const attachment: Attachment = {
      outgoing: link.forward,
      incoming: link.backward,
      medium: 'ethernet',
      mtu: link.mtu,
      addresses,
      name: this.name,
      neighbours: () => this.#members,
    };
    host.attach(attachment);
    return link;
  }

  /**
   * Returns the link of a host to the LAN.
   * @throws TypeError if the host has not joined.
   */
  linkOf(host: Host): Link {
    const member = this.#members.find((other) => other.host === host);
    if (member === undefined) throw new TypeError(`${host.name} is not in ${this.name}`);
    return member.link;
  }

  /** Keeps the packets of two hosts apart, in both directions, until `isBlocked` is false. */
  block(a: Host, b: Host, isBlocked: boolean): void {
    for (const first of this.#members.filter(({ host }) => host === a)) {
      for (const second of this.#members.filter(({ host }) => host === b)) {
        this.#around.ports.block(first.port, second.port, isBlocked);
        this.#around.ports.block(second.port, first.port, isBlocked);
      }
    }
  }
}

function withPrefix(address: string): string {
  if (address.includes('/')) return address;
  return `${address}/${PREFIX_BITS[address.includes(':') ? 6 : 4]}`;
}
