/** A link between two ends, each direction with impairments of its own. */
import type { FramePool } from '../netstack/frame.js';
import { checkFunction, checkWhole } from '../support/check-options.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { checkLinkOptions } from './check-impairments.js';
import { Direction } from './direction.js';
import type { LinkEnd, LinkTap } from './ports.js';
import type { Impairments } from './impairments.js';
import { LinkLog } from './link-log.js';
import { Nat, type NatOptions } from './nat.js';
import type { PacketView } from './packet-view.js';
import type { ActiveRule, LinkRule, PacketMatch, Verdict } from './rules.js';
import type { Timeline } from './timeline.js';

/** Bytes of the largest IP packet, unless a link has another number. */
export const DEFAULT_MTU = 1500;

/** Packets that one rule of `dropNext` or `resetNext` takes at most. */
const MOST_COUNTED = 1e9;

export interface LinkOptions extends Impairments {
  /**
   * `ip`: packets travel without a link header. `ethernet`: with ARP and neighbour discovery. Default:
   * `ip`.
   */
  readonly medium?: 'ethernet' | 'ip';
  /** Bytes of the largest IP packet. Default: 1500. */
  readonly mtu?: number;
  /**
   * Impairments of one direction, in addition to those of both: from the first end to the second, and back.
   */
  readonly forward?: Impairments;
  readonly backward?: Impairments;
  /**
   * Network address translation: the first end is inside. With an address outside, the medium is `ip`:
   * nothing answers ARP for that address.
   */
  readonly nat?: NatOptions;
}

/** The surroundings of a link in its network. */
export interface LinkSurroundings {
  readonly name: string;
  readonly timeline: Timeline;
  readonly frames: FramePool;
  readonly random: SeededRandom;
}

export class Link {
  readonly name: string;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  /** From the first end to the second. */
  readonly forward: Direction;
  readonly backward: Direction;
  readonly nat: Nat | undefined;
  #taps: readonly LinkTap[] = [];

  constructor([a, b]: readonly [LinkEnd, LinkEnd], options: LinkOptions, around: LinkSurroundings) {
    checkLinkOptions('a link', options);
    const { medium = 'ip', mtu = DEFAULT_MTU, forward = {}, backward = {}, nat, ...both } = options;
    if (nat?.address !== undefined && medium === 'ethernet') {
      throw new TypeError(`a link with the address of a NAT is of medium 'ip', not 'ethernet'`);
    }
    this.name = around.name;
    this.medium = medium;
    this.mtu = mtu;
    const { name: link, timeline, frames, random } = around;
    const direction = (from: LinkEnd, to: LinkEnd, label: string): Direction =>
      new Direction({ from, to, link, timeline, frames, random: random.fork(label), medium, mtu });
    this.forward = direction(a, b, 'forward');
    this.backward = direction(b, a, 'backward');
    this.forward.setReverse(this.backward);
    this.backward.setReverse(this.forward);
    this.forward.set({ ...both, powerSave: undefined, ...forward });
    this.backward.set({ ...both, ...backward });
    this.nat = nat === undefined ? undefined : new Nat(nat, this.forward);
    this.forward.setMiddlebox(this.nat);
    this.backward.setMiddlebox(this.nat);
  }

  /**
   * Changes the impairments that are given, of both directions; the others stay. One direction:
   * `link.forward.set(…)`. `powerSave` is that of the first end.
   * @throws RangeError for a value that is not allowed; TypeError for a name that is none.
   */
  set(changes: Impairments): void {
    this.forward.set({ ...changes, powerSave: this.forward.options.powerSave });
    this.backward.set(changes);
  }

  /**
   * Drops what is sent, and what arrives, until `heal`. One direction: `link.forward.cut()`.
   * @param by holds the cut, which ends when each holder has healed it. Default: the program.
   */
  cut(by?: object): void {
    this.forward.cut(by);
    this.backward.cut(by);
  }

  /** Ends the cut of `by`. A partition that stands keeps the link cut. */
  heal(by?: object): void {
    this.forward.heal(by);
    this.backward.heal(by);
  }

  /** Keeps the packets that arrive until `release`. */
  hold(): void {
    this.forward.hold();
    this.backward.hold();
  }

  /** Lets the packets that were held arrive now, in their order. */
  release(): void {
    this.forward.release();
    this.backward.release();
  }

  /**
   * Adds a rule for the packets of both directions, behind the rules that are there: `using rule =
   * link.add(…)`. A rule that throws lets the packet pass, and the run fails with its error.
   * @throws RangeError if there are too many; TypeError for what is no function.
   */
  add(rule: LinkRule): ActiveRule {
    checkFunction('rule', rule);
    return new LinkRules(this, rule);
  }

  /**
   * Drops the next `count` packets that match.
   * @throws RangeError unless `count` is a whole number of at least 1; TypeError for what is no function.
   */
  dropNext(match: PacketMatch = () => true, count = 1): ActiveRule {
    return this.#next('drop', match, count);
  }

  /**
   * Drops the next `count` TCP packets that match, and resets their connections at both ends.
   * @throws RangeError, TypeError as `dropNext`.
   */
  resetNext(match: PacketMatch = () => true, count = 1): ActiveRule {
    checkFunction('match', match);
    return this.#next('reset', (packet) => packet.isTcp && match(packet), count);
  }

  /** Begins a log of the packets that are sent from now on, of both directions. */
  log(): LinkLog {
    const log = new LinkLog((ended) => {
      this.removeTap(ended);
    });
    this.addTap(log);
    return log;
  }

  /** Adds what sees the packets of both directions. */
  addTap(tap: LinkTap): void {
    this.#setTaps([...this.#taps, tap]);
  }

  removeTap(tap: LinkTap): void {
    this.#setTaps(this.#taps.filter((other) => other !== tap));
  }

  #setTaps(taps: readonly LinkTap[]): void {
    this.#taps = taps;
    this.forward.setTaps(taps);
    this.backward.setTaps(taps);
  }

  #next(verdict: Verdict, match: PacketMatch, count: number): ActiveRule {
    checkFunction('match', match);
    checkWhole('count', count, 1, MOST_COUNTED);
    const rule: ActiveRule = this.add((packet) => {
      if (!match(packet)) return undefined;
      if (rule.hits + 1 >= count) rule.remove();
      return verdict;
    });
    return rule;
  }
}

/** A rule in both directions of a link. */
class LinkRules implements ActiveRule {
  readonly #link: Link;
  readonly #rule: LinkRule;
  hits = 0;

  constructor(link: Link, rule: LinkRule) {
    this.#link = link;
    this.#rule = (packet: PacketView): Verdict | undefined => {
      const verdict = rule(packet);
      if (verdict !== undefined && verdict !== 'pass') this.hits += 1;
      return verdict;
    };
    link.forward.addRule(this.#rule);
    link.backward.addRule(this.#rule);
  }

  remove(): void {
    this.#link.forward.removeRule(this.#rule);
    this.#link.backward.removeRule(this.#rule);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}
