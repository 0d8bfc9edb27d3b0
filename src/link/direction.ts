/**
 * One direction of a link. A packet passes its impairments in the order of `Impairments`, travels in a
 * lane, and reaches the port at the end. A direction owns the frames that it is given until it gives them
 * to the port or back to the pool.
 */
import type { Frame, FramePool } from '../netstack/frame.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { ChanceOfLoss } from './chance-of-loss.js';
import { DelayLine } from './delay-line.js';
import { FrameQueue } from './frame-queue.js';
import { checkImpairments, type DropReason, type Impairments } from './impairments.js';
import { Lane, type LaneEnd } from './lane.js';
import type { Timeline } from './timeline.js';

/** Frames that wait at a direction that is held. */
export const MOST_HELD_FRAMES = 65_536;

/** Receives the packets of a direction, and owns them. */
export interface Port {
  receive(frame: Frame): void;
}

/** Sees the packets of links, and changes nothing. */
export interface LinkTap {
  /** A host has sent the packet. */
  sent(direction: Direction, frame: Frame): void;
  /** A host is about to receive the packet. */
  arrived(direction: Direction, frame: Frame): void;
  dropped(direction: Direction, frame: Frame, reason: DropReason): void;
}

/** What a direction needs of its network. */
export interface DirectionOptions {
  /** Name for logs and errors: `device > gateway`. */
  readonly name: string;
  readonly timeline: Timeline;
  readonly frames: FramePool;
  readonly random: SeededRandom;
  /** Number of the receiving host. */
  readonly hostId: number;
  readonly medium: 'ethernet' | 'ip';
}

export class Direction implements LaneEnd {
  readonly name: string;
  readonly medium: 'ethernet' | 'ip';
  readonly #timeline: Timeline;
  readonly #frames: FramePool;
  readonly #random: SeededRandom;
  readonly #lane: Lane;
  /** Packets that overtake those of the lane. */
  readonly #fastLane: Lane;
  readonly #held = new FrameQueue();
  readonly #dropped = new Map<DropReason, number>();
  #taps: readonly LinkTap[] = [];
  #options: Impairments = {};
  #loss: ChanceOfLoss;
  #delay: DelayLine;
  #isCut = false;
  #isHeld = false;
  /** True if a packet goes into the lane as it is. */
  #isPlain = true;
  /** The port at the end; `undefined`: the host is down. */
  port: Port | undefined;
  /** Packets that were sent into the direction, and those that reached the port. */
  sent = 0;
  delivered = 0;
  duplicated = 0;
  corrupted = 0;
  overtaken = 0;

  constructor(options: DirectionOptions) {
    this.name = options.name;
    this.medium = options.medium;
    this.#timeline = options.timeline;
    this.#frames = options.frames;
    this.#random = options.random;
    this.#lane = new Lane(options.hostId, options.timeline, this);
    this.#fastLane = new Lane(options.hostId, options.timeline, this);
    this.#loss = new ChanceOfLoss(options.random, {});
    this.#delay = new DelayLine(options.random, {});
  }

  /** The impairments. */
  get options(): Impairments {
    return this.#options;
  }

  /** Packets that were dropped, by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#dropped;
  }

  /**
   * Changes the impairments that are given; the others stay. Packets under way keep their times.
   * @throws RangeError for a number out of range.
   */
  set(changes: Impairments): void {
    this.#options = checkImpairments({ ...this.#options, ...changes });
    this.#loss = new ChanceOfLoss(this.#random, this.#options);
    this.#delay = new DelayLine(this.#random, this.#options);
    this.#decide();
  }

  /** Sets what sees the packets. */
  setTaps(taps: readonly LinkTap[]): void {
    this.#taps = taps;
    this.#decide();
  }

  /** Drops what is sent, and what arrives, until `heal`. */
  cut(): void {
    this.#isCut = true;
    this.#decide();
  }

  heal(): void {
    this.#isCut = false;
    this.#decide();
  }

  /** Keeps the packets that arrive until `release`. */
  hold(): void {
    this.#isHeld = true;
    this.#decide();
  }

  /** Lets the packets that were held arrive now, in their order. */
  release(): void {
    this.#isHeld = false;
    this.#decide();
    for (let frame = this.#held.shift(); frame !== undefined; frame = this.#held.shift()) {
      this.#fastLane.push(frame, this.#timeline.nowNs);
    }
  }

  /** Sends a packet. */
  transmit(frame: Frame): void {
    this.sent += 1;
    if (this.#isPlain && this.#lane.isPresent && !this.#lane.isFull) this.#lane.pushNow(frame);
    else this.#impair(frame);
  }

  /** Called by the lanes. */
  arrive(frame: Frame): void {
    if (!this.#isPlain) {
      if (this.#isCut) {
        this.drop(frame, 'cut');
        return;
      }
      if (this.#isHeld) {
        if (this.#held.size >= MOST_HELD_FRAMES) this.drop(frame, 'link full');
        else this.#held.push(frame);
        return;
      }
    }
    this.#deliver(frame);
  }

  /** Counts and drops a packet. */
  drop(frame: Frame, reason: DropReason): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
    for (const tap of this.#taps) tap.dropped(this, frame, reason);
    this.#frames.give(frame);
  }

  /** Drops all packets that are under way. */
  dropInFlight(reason: DropReason): void {
    for (const lane of [this.#lane, this.#fastLane]) {
      let frame = lane.clear();
      while (frame !== undefined) {
        const next: Frame | undefined = frame.next;
        this.drop(frame, reason);
        frame = next;
      }
    }
    for (let frame = this.#held.shift(); frame !== undefined; frame = this.#held.shift()) {
      this.drop(frame, reason);
    }
  }

  #deliver(frame: Frame): void {
    const port = this.port;
    if (port === undefined) {
      this.drop(frame, 'host down');
      return;
    }
    this.delivered += 1;
    for (const tap of this.#taps) tap.arrived(this, frame);
    port.receive(frame);
  }

  #decide(): void {
    const isSet = Object.values(this.#options).some((value) => value !== undefined && value !== 0);
    this.#isPlain = !isSet && !this.#isCut && !this.#isHeld && this.#taps.length === 0;
  }

  #impair(frame: Frame): void {
    for (const tap of this.#taps) tap.sent(this, frame);
    if (this.#isCut) {
      this.drop(frame, 'cut');
      return;
    }
    const lost = this.#loss.next(this.sent);
    if (lost !== undefined) {
      this.drop(frame, lost);
      return;
    }
    if (this.#random.isLucky(this.#options.duplicate ?? 0)) {
      this.duplicated += 1;
      this.#spoil(this.#copy(frame));
    }
    this.#spoil(frame);
  }

  /** Inverts one bit of a packet if chance says so, and sends it on. */
  #spoil(frame: Frame): void {
    if (frame.length > 0 && this.#random.isLucky(this.#options.corrupt ?? 0)) {
      this.corrupted += 1;
      const at = frame.start + this.#random.below(frame.length);
      frame.bytes[at] = (frame.bytes[at] ?? 0) ^ (1 << this.#random.below(8));
    }
    this.#leave(frame, this.#timeline.nowNs);
  }

  /** Sends a packet on its way, which has left the queue at `atNs`. */
  #leave(frame: Frame, atNs: number): void {
    const overtakes = this.#delay.overtakes();
    const lane = overtakes ? this.#fastLane : this.#lane;
    if (lane.isFull) {
      this.drop(frame, 'link full');
      return;
    }
    if (overtakes) this.overtaken += 1;
    lane.push(frame, overtakes ? atNs : atNs + this.#delay.next());
  }

  #copy(frame: Frame): Frame {
    const copy = this.#frames.take(frame.length);
    copy.bytes.set(frame.bytes.subarray(frame.start, frame.end), copy.start);
    copy.end = copy.start + frame.length;
    return copy;
  }
}
