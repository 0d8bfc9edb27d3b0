/** Groups of hosts that are kept apart. */
import type { Link } from '../link/link.js';
import { showValue } from '../support/check-options.js';
import type { Host } from './host.js';
import type { Lan } from './lan.js';

/** Hosts that are kept apart until `heal`, or the end of the scope. */
export interface Partition extends Disposable {
  /** Ends the partition. Hosts that another partition, or `link.cut()`, keeps apart stay so. */
  heal(): void;
}

/** A link between two hosts. */
export interface Pair {
  readonly link: Link;
  readonly a: Host;
  readonly b: Host;
}

/** A partition that stands: links and LANs that are added meanwhile are cut as well. */
export class Separation implements Partition {
  readonly #first: ReadonlySet<Host>;
  readonly #second: ReadonlySet<Host>;
  readonly #onHealed: (healed: Separation) => void;
  readonly #links = new Set<Link>();
  readonly #lans = new Set<Lan>();

  /**
   * @throws TypeError for lists that have other things than hosts of the network; RangeError for a host in
   *   both.
   */
  constructor(
    [first, second]: readonly [readonly Host[], readonly Host[]],
    isHost: (host: unknown) => boolean,
    onHealed: (healed: Separation) => void,
  ) {
    for (const group of [first, second]) {
      if (Array.isArray(group) && group.every(isHost)) continue;
      throw new TypeError(
        `a partition keeps two lists of hosts of its network apart, not ${showValue(group)}`,
      );
    }
    const both = first.find((host) => second.includes(host));
    if (both !== undefined) throw new RangeError(`${both.name} cannot be kept apart from itself`);
    this.#first = new Set(first);
    this.#second = new Set(second);
    this.#onHealed = onHealed;
  }

  /** Cuts a link if it joins the groups. */
  cut({ link, a, b }: Pair): void {
    const [first, second] = [this.#first, this.#second];
    if (!(first.has(a) && second.has(b)) && !(first.has(b) && second.has(a))) return;
    link.cut(this);
    this.#links.add(link);
  }

  /** Keeps the groups apart in a LAN. */
  divide(lan: Lan): void {
    this.#lans.add(lan);
    lan.divide(this.#first, this.#second, this);
  }

  heal(): void {
    for (const link of this.#links) link.heal(this);
    for (const lan of this.#lans) lan.unite(this.#first, this.#second, this);
    this.#links.clear();
    this.#lans.clear();
    this.#onHealed(this);
  }

  [Symbol.dispose](): void {
    this.heal();
  }
}
