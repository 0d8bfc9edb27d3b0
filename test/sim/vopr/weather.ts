/**
 * The faults of a run: each link has weather of its own, which changes at random times; hosts are parted,
 * and crash. `calm` takes all of it back.
 */
import type { Impairments } from '#src/link/impairments.js';
import type { Direction } from '#src/link/direction.js';
import type { Link } from '#src/link/link.js';
import type { Network } from '#src/sim/network.js';
import type { Census } from './census.js';
import type { Dice } from './dice.js';
import type { Topology } from './topology.js';

/** A link, or one direction of it. */
type Part = Link | Direction;

/** All that weather sets, as it is in calm weather. */
const NOTHING: Impairments = {
  pathMtu: undefined,
  blackHole: undefined,
  loss: undefined,
  burstLoss: undefined,
  duplicate: undefined,
  corrupt: undefined,
  queue: undefined,
  bitsPerSecond: undefined,
  slotMs: undefined,
  delayMs: undefined,
  jitterMs: undefined,
  distribution: undefined,
  reorder: undefined,
};

export class Weather {
  readonly #network: Network;
  readonly #topology: Topology;
  readonly #dice: Dice;
  readonly #census: Census;
  /** Mean time between two changes of one link. */
  readonly #meanMs: number;
  /** True: nothing that ends a connection happens, only what delays, loses or spoils single packets. */
  readonly isMild: boolean;
  /** Takes back what happens now. */
  readonly #undo = new Set<() => void>();
  #isOver = false;

  constructor(network: Network, topology: Topology, dice: Dice, census: Census) {
    this.#network = network;
    this.#topology = topology;
    this.#dice = dice;
    this.#census = census;
    this.#meanMs = dice.scale(500, 30_000);
    this.isMild = dice.isLucky(0.25);
  }

  begin(): void {
    for (const link of this.#topology.links) this.#again(this.#meanMs, () => this.#change(link));
    if (!this.isMild) this.#again(this.#meanMs * 4, () => this.#part());
  }

  /** Ends all faults. */
  calm(): void {
    this.#isOver = true;
    for (const undo of [...this.#undo]) undo();
    for (const link of this.#topology.links) this.#clear(link);
  }

  /** Runs `job` again and again, until the weather is calm. */
  #again(meanMs: number, job: () => void): void {
    this.#network.at(this.#network.nowMs + this.#dice.wait(meanMs), () => {
      if (this.#isOver) return;
      job();
      this.#again(meanMs, job);
    });
  }

  /** Takes something back after a while, or when the weather is calm. */
  #until(ms: number, undo: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) undo();
    };
    this.#undo.add(once);
    this.#network.at(this.#network.nowMs + ms, once);
  }

  #clear(link: Link): void {
    const { delayMs, bitsPerSecond } = this.#topology.base.get(link) ?? {};
    link.set({ ...NOTHING, delayMs, bitsPerSecond });
  }

  #change(link: Link): void {
    const dice = this.#dice;
    const event = dice.fraction();
    if (event < 0.1) this.#clear(link);
    else if (this.isMild || event < 0.6) this.#setClimate(link);
    else this.#strike(link, event);
  }

  /** One of the events that can end connections. */
  #strike(link: Link, event: number): void {
    const dice = this.#dice;
    const ms = dice.scale(10, 120_000);
    const part = dice.pick<Part>([link, link.forward, link.backward]);
    if (event < 0.74) {
      this.#census.fault('a cut');
      part.cut();
      this.#until(ms, () => part.heal());
    } else if (event < 0.84) {
      this.#census.fault('a hold');
      part.hold();
      this.#until(ms, () => part.release());
    } else if (event < 0.92) {
      const rule = link.resetNext(undefined, dice.whole(1, 3));
      this.#until(ms, () => {
        this.#census.fault('an injected reset', rule.hits);
        rule.remove();
      });
    } else if (link.nat !== undefined && event < 0.96) {
      this.#census.fault('a NAT that forgets');
      link.nat.forget();
    } else {
      this.#census.fault('a change of the MTU');
      part.set({
        pathMtu: dice.whole(link.mtu < 1280 ? 600 : this.#leastMtu(), link.mtu),
        corrupt: undefined,
      });
      if (dice.isLucky(0.3)) part.set({ blackHole: true });
    }
  }

  /** IPv6 admits no MTU below 1280 (RFC 8200 §5). */
  #leastMtu(): number {
    return this.#topology.routes.some(({ address }) => address.includes(':')) ? 1280 : 576;
  }

  #setClimate(link: Link): void {
    const dice = this.#dice;
    const part = dice.pick<Part>([link, link, link.forward, link.backward]);
    const changes = dice.whole(1, 3);
    for (let count = 0; count < changes; count += 1) part.set(this.#drawImpairments(link));
  }

  #drawImpairments(link: Link): Impairments {
    const dice = this.#dice;
    switch (dice.whole(0, 8)) {
      case 0:
      case 1:
        return { loss: dice.scale(0.001, this.isMild ? 0.1 : 0.4) };
      case 2:
        return {
          burstLoss: { p: dice.scale(0.001, 0.05), r: dice.scale(0.1, 0.9), h: dice.scale(0.01, 0.5) },
        };
      case 3:
        return { duplicate: dice.scale(0.001, 0.3) };
      case 4:
        if (!this.#topology.corruptible.has(link)) return { loss: 0.02 };
        return { corrupt: dice.scale(0.001, 0.1), pathMtu: undefined };
      case 5:
        return {
          reorder: { percent: dice.scale(1, 60), gap: dice.pick([1, 3, 5]) },
          delayMs: dice.scale(1, 300),
        };
      case 6:
        return { jitterMs: dice.scale(0.1, 100), distribution: dice.pick(['uniform', 'normal', 'pareto']) };
      case 7:
        return {
          bitsPerSecond: dice.size(100_000, 50_000_000),
          queue: { packets: dice.size(4, 200), codel: dice.isLucky(0.4) },
        };
      default:
        return {
          delayMs: dice.scale(0.1, 2000),
          slotMs: dice.isLucky(0.3) ? dice.scale(0.5, 10) : undefined,
        };
    }
  }

  /** Keeps two groups of hosts apart for a while. */
  #part(): void {
    const dice = this.#dice;
    const first = this.#topology.hosts.filter(() => dice.isLucky(0.5));
    const second = this.#topology.hosts.filter((host) => !first.includes(host));
    if (first.length === 0 || second.length === 0) return;
    this.#census.fault('a partition');
    const partition = this.#network.partition(first, second);
    this.#until(dice.scale(10, 120_000), () => partition.heal());
  }
}
