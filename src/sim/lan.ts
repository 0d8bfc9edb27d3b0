/**
 * A LAN: hosts at the ports of a switch, or stations at an access point. The link of each host has
 * impairments of its own; its first end is the host.
 */
import { checkLinkOptions } from '../link/check-impairments.js';
import { Link, type LinkOptions } from '../link/link.js';
import { Switch } from '../link/switch.js';
import { checkList } from '../support/check-options.js';
import { bare, type Attachment, type Neighbour } from './attachment.js';
import { checkAddresses } from './check-addresses.js';
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
  /** Throws a TypeError for what is no host of the network. */
  checkHost(host: unknown): void;
  /** A host has joined. */
  onJoined(lan: Lan): void;
}

export class Lan {
  readonly name: string;
  readonly #defaults: LinkOptions;
  readonly #around: LanSurroundings;
  readonly #members: (Neighbour & { readonly port: number; readonly link: Link })[] = [];

  constructor(name: string, { hosts, ...defaults }: LanOptions, around: LanSurroundings) {
    checkLanOptions('a LAN', defaults);
    this.name = name;
    this.#defaults = defaults;
    this.#around = around;
    if (hosts === undefined) return;
    checkList('hosts', hosts);
    for (const host of hosts) around.checkHost(host);
    for (const host of hosts) this.join(host);
  }

  get hosts(): readonly Host[] {
    return this.#members.map(({ host }) => host);
  }

  /**
   * Plugs a host in; `options` stand in front of those of the LAN. Returns the host's link.
   * @throws TypeError for what is no host of the network, and for addresses that are none; RangeError,
   *   TypeError for options as those of a link.
   */
  join(host: Host, { address, ...options }: JoinOptions = {}): Link {
    this.#around.checkHost(host);
    checkLanOptions('a link of a LAN', options);
    const given = checkAddresses(address ?? host.addresses, `address of ${host.name} in ${this.name}`);
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
    this.#around.onJoined(this);
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

  /** Keeps the packets of two groups apart, in both directions, until `by` unites them. */
  divide(first: ReadonlySet<Host>, second: ReadonlySet<Host>, by: object): void {
    for (const [from, to] of this.#portsBetween(first, second)) this.#around.ports.block(from, to, by);
  }

  unite(first: ReadonlySet<Host>, second: ReadonlySet<Host>, by: object): void {
    for (const [from, to] of this.#portsBetween(first, second)) this.#around.ports.unblock(from, to, by);
  }

  /** Returns each pair of ports between two groups, in both directions. */
  #portsBetween(first: ReadonlySet<Host>, second: ReadonlySet<Host>): readonly (readonly [number, number])[] {
    const portsOf = (group: ReadonlySet<Host>): number[] =>
      this.#members.filter(({ host }) => group.has(host)).map(({ port }) => port);
    const others = portsOf(second);
    return portsOf(first).flatMap((a) => others.flatMap((b) => [[a, b] as const, [b, a] as const]));
  }
}

/** Checks options of links that are Ethernet, without NAT. */
function checkLanOptions(holder: string, options: LinkOptions): void {
  for (const name of ['medium', 'nat']) {
    if (name in options) throw new TypeError(`${holder} has no option ${name}`);
  }
  checkLinkOptions(holder, options);
}

function withPrefix(address: string): string {
  if (address.includes('/')) return address;
  return `${address}/${PREFIX_BITS[address.includes(':') ? 6 : 4]}`;
}
