/** A link between two ends, each direction with impairments of its own. */
import type { FramePool } from '../netstack/frame.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { Direction } from './direction.js';
import type { Impairments } from './impairments.js';
import type { Timeline } from './timeline.js';

/** Bytes of the largest IP packet, unless a link has another number. */
export const DEFAULT_MTU = 1500;

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
}

export interface LinkEndOptions {
  readonly name: string;
  readonly hostId: number;
}

export class Link {
  readonly name: string;
  readonly medium: 'ethernet' | 'ip';
  readonly mtu: number;
  /** From the first end to the second. */
  readonly forward: Direction;
  readonly backward: Direction;

  constructor(
    [a, b]: readonly [LinkEndOptions, LinkEndOptions],
    options: LinkOptions,
    around: {
      readonly timeline: Timeline;
      readonly frames: FramePool;
      readonly random: SeededRandom;
      name: string;
    },
  ) {
    const { medium = 'ip', mtu = DEFAULT_MTU, forward = {}, backward = {}, ...both } = options;
    this.name = around.name;
    this.medium = medium;
    this.mtu = mtu;
    const { timeline, frames, random } = around;
    const direction = (from: LinkEndOptions, to: LinkEndOptions): Direction =>
      new Direction({
        name: `${from.name} > ${to.name}`,
        timeline,
        frames,
        random: random.fork(`to ${to.name}`),
        hostId: to.hostId,
        medium,
      });
    this.forward = direction(a, b);
    this.backward = direction(b, a);
    this.forward.set({ ...both, ...forward });
    this.backward.set({ ...both, ...backward });
  }

  /**
   * Changes the impairments that are given, of both directions; the others stay.
   * @throws RangeError for a number out of range.
   */
  set(changes: Impairments): void {
    this.forward.set(changes);
    this.backward.set(changes);
  }

  /** Drops what is sent, and what arrives, until `heal`. One direction: `link.forward.cut()`. */
  cut(): void {
    this.forward.cut();
    this.backward.cut();
  }

  heal(): void {
    this.forward.heal();
    this.backward.heal();
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
}
