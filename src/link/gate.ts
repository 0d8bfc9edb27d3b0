/**
 * The end of a direction, where packets wait while the link is held or the receiving station sleeps.
 * Packets pass in the order in which they came to the gate.
 *
 * A station that saves power sleeps unless it has sent or received within `awakeMs`; a packet for it waits
 * at the access point until the station has heard a beacon with a DTIM (IEEE 802.11 §11.2.3).
 */
import type { Frame } from '../netstack/frame.js';
import { FrameQueue } from './frame-queue.js';
import { nsOf, type Impairments } from './impairments.js';
import { EventSource, type Timeline } from './timeline.js';

/** Packets that wait at one gate at most. */
export const MOST_WAITING_FRAMES = 65_536;
const BEACON_MS = 102.4;
const AWAKE_MS = 15;

export class Gate extends EventSource {
  readonly #timeline: Timeline;
  readonly #pass: (frame: Frame) => void;
  readonly #waiting = new FrameQueue();
  #isHeld = false;
  /** Time between two DTIMs; 0: the station does not sleep. */
  #dtimNs = 0;
  #awakeNs = 0;
  #awakeUntilNs = -1;
  /** True if an event of the present instant lets the next packet pass. */
  #isPassing = false;

  constructor(hostId: number, timeline: Timeline, pass: (frame: Frame) => void) {
    super(hostId);
    this.#timeline = timeline;
    this.#pass = pass;
  }

  configure({ powerSave = false }: Impairments): void {
    const {
      beaconMs = BEACON_MS,
      dtim = 1,
      awakeMs = AWAKE_MS,
    } = typeof powerSave === 'boolean' ? {} : powerSave;
    this.#dtimNs = powerSave === false ? 0 : nsOf(beaconMs * dtim);
    this.#awakeNs = nsOf(awakeMs);
    this.#open();
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** True if the station at the end of the direction saves power. */
  get savesPower(): boolean {
    return this.#dtimNs > 0;
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#open();
  }

  /** The station has sent or received: it stays awake for a while. */
  stayAwake(): void {
    if (this.#dtimNs > 0) this.#awakeUntilNs = this.#timeline.nowNs + this.#awakeNs;
  }

  /** Lets a packet pass, or keeps it. Returns false, and does neither, if too many wait. */
  accept(frame: Frame): boolean {
    const isAsleep = this.#isAsleep();
    if (this.#waiting.size === 0 && !this.#isHeld && !isAsleep) {
      this.#pass(frame);
      return true;
    }
    if (this.#waiting.size >= MOST_WAITING_FRAMES) return false;
    this.#waiting.push(frame);
    this.#open();
    return true;
  }

  /** Removes and returns a packet, for a gate that is emptied. */
  shift(): Frame | undefined {
    return this.#waiting.shift();
  }

  get size(): number {
    return this.#waiting.size;
  }

  override occur(): void {
    this.#isPassing = false;
    if (this.#isHeld) return;
    if (this.#isAsleep() && this.#timeline.nowNs % this.#dtimNs === 0) this.stayAwake();
    if (!this.#isAsleep()) {
      const frame = this.#waiting.shift();
      if (frame !== undefined) this.#pass(frame);
    }
    this.#open();
  }

  #isAsleep(): boolean {
    return this.#dtimNs > 0 && this.#timeline.nowNs > this.#awakeUntilNs;
  }

  /** Lets the packets that wait pass one by one, at the present instant or the next DTIM. */
  #open(): void {
    if (this.#isHeld || this.#waiting.size === 0) return;
    if (this.#isAsleep()) this.#awaitDtim();
    else if (!this.#isPassing) {
      this.#isPassing = true;
      this.#timeline.add(this);
    }
  }

  #awaitDtim(): void {
    const nowNs = this.#timeline.nowNs;
    this.#timeline.schedule(this, Math.ceil(nowNs / this.#dtimNs) * this.#dtimNs);
  }
}
