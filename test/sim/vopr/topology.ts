/** Draws the hosts of a run, what joins them, and which host reaches which. */
import type { Link, LinkOptions } from '#src/link/link.js';
import type { ProfileName } from '#src/netstack/profile.js';
import type { Host } from '#src/sim/host.js';
import type { Lan } from '#src/sim/lan.js';
import type { Network } from '#src/sim/network.js';
import type { Dice } from './dice.js';

/** A host that reaches another one, at one of its addresses. */
export interface Route {
  readonly from: Host;
  readonly to: Host;
  readonly address: string;
}

export interface Topology {
  readonly shape: Shape;
  readonly hosts: readonly Host[];
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  /** Impairments that a link has in calm weather. */
  readonly base: ReadonlyMap<Link, LinkOptions>;
  /**
   * Links that may corrupt packets: one on each path. Two inverted bits of one packet can cancel each other
   * in TCP's checksum.
   */
  readonly corruptible: ReadonlySet<Link>;
}

export const SHAPES = ['pair', 'star', 'mesh', 'lan', 'wifi', 'campus', 'nat'] as const;
export type Shape = (typeof SHAPES)[number];
type Families = '4' | '6' | '46';

/** Hosts of a run at most, routers left out. */
const MOST_MEMBERS = 12;
const PROFILES = ['linux', 'linux', 'esp32', 'esp32', 'arduino', 'lwip'] as const satisfies ProfileName[];

export function drawTopology(network: Network, dice: Dice): Topology {
  const shape = dice.pick(SHAPES);
  const builder = new Builder(network, dice, shape);
  builder.build();
  return builder;
}

class Builder implements Topology {
  readonly shape: Shape;
  readonly hosts: Host[] = [];
  readonly links: Link[] = [];
  readonly routes: Route[] = [];
  readonly base = new Map<Link, LinkOptions>();
  readonly corruptible = new Set<Link>();
  readonly #network: Network;
  readonly #dice: Dice;
  readonly #families: Families;

  constructor(network: Network, dice: Dice, shape: Shape) {
    this.#network = network;
    this.#dice = dice;
    this.shape = shape;
    this.#families = shape === 'nat' ? '4' : dice.pick(['4', '4', '6', '46']);
  }

  build(): void {
    const dice = this.#dice;
    switch (this.shape) {
      case 'pair':
        this.#join(this.#host(1), this.#host(2));
        return;
      case 'star':
        this.#star();
        return;
      case 'mesh':
        this.#mesh();
        return;
      case 'lan':
      case 'wifi':
        this.#lan(dice.whole(2, MOST_MEMBERS));
        return;
      case 'campus':
        this.#campus();
        return;
      case 'nat':
        this.#nat();
    }
  }

  #host(number: number, net = 0, profile: ProfileName = this.#dice.pick(PROFILES)): Host {
    const v4 = `10.0.${net}.${number}`;
    const v6 = `fd00:${net}::${number}`;
    const address = this.#families === '4' ? [v4] : this.#families === '6' ? [v6] : [v4, v6];
    const host = this.#network.host(`h${net * 100 + number}`, { profile, address });
    this.hosts.push(host);
    return host;
  }

  /** Draws what a link does to packets in calm weather. */
  #calm(): LinkOptions {
    const dice = this.#dice;
    const bitsPerSecond = dice.isLucky(0.3) ? dice.size(100_000, 100_000_000) : undefined;
    return {
      delayMs: dice.isLucky(0.2) ? 0 : dice.scale(0.05, 200),
      bitsPerSecond,
      powerSave: this.shape === 'wifi' && dice.isLucky(0.7) ? { dtim: dice.pick([1, 3]) } : undefined,
    };
  }

  #note(link: Link, options: LinkOptions): void {
    this.links.push(link);
    this.base.set(link, options);
  }

  #join(a: Host, b: Host, options: LinkOptions = {}): void {
    const calm = this.#calm();
    const mtu = this.#dice.pick([1500, 1500, 1280, 9000]);
    const medium = options.nat === undefined ? this.#dice.pick(['ip', 'ethernet']) : 'ip';
    const link = this.#network.link(a, b, { mtu, medium, ...calm, ...options });
    this.#note(link, calm);
    this.corruptible.add(link);
    this.#reach(a, b);
    if (options.nat === undefined) this.#reach(b, a);
  }

  /** Notes that a host reaches another one. */
  #reach(from: Host, to: Host): void {
    for (const address of to.addresses) this.routes.push({ from, to, address });
  }

  #star(): void {
    const center = this.#host(1, 0, 'linux');
    const leaves = this.#dice.whole(2, MOST_MEMBERS - 1);
    for (let number = 0; number < leaves; number += 1) this.#join(this.#host(number + 2), center);
  }

  #mesh(): void {
    const hosts = Array.from({ length: this.#dice.whole(3, 6) }, (_, index) => this.#host(index + 1));
    for (const [index, a] of hosts.entries()) {
      for (const b of hosts.slice(index + 1)) if (this.#dice.isLucky(0.6)) this.#join(a, b);
    }
    const [first, second] = hosts;
    if (this.routes.length === 0 && first !== undefined && second !== undefined) this.#join(first, second);
  }

  #nat(): void {
    const dice = this.#dice;
    const servers = [this.#host(1, 9), this.#host(2, 9)];
    const insiders = dice.whole(1, 5);
    for (let number = 1; number <= insiders; number += 1) {
      const inside = this.#host(number);
      for (const [index, server] of servers.entries()) {
        const address = `198.51.${number}.${index + 1}`;
        const onExpiry = dice.pick(['drop', 'reset']);
        this.#join(inside, server, { nat: { address, onExpiry }, mtu: 1500 });
      }
    }
  }

  #lan(count: number): Lan {
    const members = Array.from({ length: count }, (_, index) => this.#host(index + 1));
    const lan = this.#network.lan(this.shape);
    for (const host of members) {
      const calm = this.#calm();
      this.#note(lan.join(host, calm), calm);
    }
    const spoilt = this.#dice.any(this.links);
    if (spoilt !== undefined) this.corruptible.add(spoilt);
    for (const a of members) for (const b of members) if (a !== b) this.#reach(a, b);
    return lan;
  }

  /** A LAN, whose router leads to hosts outside, with NAT or without. */
  #campus(): void {
    const dice = this.#dice;
    const lan = this.#lan(dice.whole(1, 6));
    const members = lan.hosts;
    const addresses = { '4': ['10.0.0.254'], '6': ['fd00:0::fe'], '46': ['10.0.0.254', 'fd00:0::fe'] };
    const router = this.#network.host('router', { address: addresses[this.#families], forwards: true });
    const trunk = this.#calm();
    this.#note(lan.join(router, trunk), trunk);
    for (const member of members) member.addDefaultRoute(router);
    const hasNat = this.#families === '4' && dice.isLucky(0.5);
    const outsiders = dice.whole(1, 3);
    for (let number = 1; number <= outsiders; number += 1) {
      const outside = this.#host(number, 8);
      const calm = this.#calm();
      const nat = hasNat ? { nat: { address: `198.51.8.${number}` } } : {};
      this.#note(this.#network.link(router, outside, { ...calm, ...nat }), calm);
      for (const member of members) {
        this.#reach(member, outside);
        if (!hasNat) this.#reach(outside, member);
      }
    }
  }
}
