/**
 * A row of frames that arrive in the order in which they were sent, each at its time. A frame that arrives at
 * the present instant, with none before it, waits in a list without a time of its own: a link without delay
 * costs no more than that.
 */
import type { Frame } from '../netstack/frame.js';
import { FrameQueue } from './frame-queue.js';
import { FrameRing } from './frame-ring.js';
import { EventSource, type Timeline } from './timeline.js';

/** Frames that one lane holds at most. */
export const MOST_FRAMES_IN_LANE = 65_536;

/** Takes the frames of a lane, one at each event. */
export interface LaneEnd {
  /** A frame has arrived; the callee owns it. */
  arrive(frame: Frame): void;
}

export class Lane extends EventSource {
  readonly #timeline: Timeline;
  readonly #end: LaneEnd;
  /** Frames that arrive at the present instant, then those that arrive later. */
  readonly #present = new FrameQueue();
  readonly #later = new FrameRing();

  constructor(hostId: number, timeline: Timeline, end: LaneEnd) {
    super(hostId);
    this.#timeline = timeline;
    this.#end = end;
  }

  /** Number of frames on the way. */
  get size(): number {
    return this.#later.size + this.#present.size;
  }

  get isFull(): boolean {
    return this.size >= MOST_FRAMES_IN_LANE;
  }

  /** True if no frame waits for a later instant. */
  get isPresent(): boolean {
    return this.#later.size === 0;
  }

  /** Adds a frame that arrives at `atNs`, and not before the one that was added last. */
  push(frame: Frame, atNs: number): void {
    const later = this.#later;
    if (later.size === 0 && atNs <= this.#timeline.nowNs) {
      this.pushNow(frame);
      return;
    }
    later.push(frame, Math.max(atNs, later.lastNs()), this.#timeline.nextOrder());
    if (later.size === 1) this.#expect();
  }

  /** Adds a frame that arrives at the present instant, to a lane without later ones. */
  pushNow(frame: Frame): void {
    this.#present.push(frame);
    this.#timeline.add(this);
  }

  override occur(): void {
    const frame = this.#present.shift() ?? this.#shiftDue();
    if (frame !== undefined) this.#end.arrive(frame);
  }

  /** Removes and returns the oldest frame, for a lane that is emptied. */
  shift(): Frame | undefined {
    const frame = this.#present.shift() ?? this.#later.shift();
    if (this.#later.size === 0) this.#timeline.cancel(this);
    return frame;
  }

  #shiftDue(): Frame | undefined {
    const later = this.#later;
    if (later.size === 0 || later.firstNs() > this.#timeline.nowNs) return undefined;
    const frame = later.shift();
    if (later.size > 0) this.#expect();
    return frame;
  }

  #expect(): void {
    this.#timeline.scheduleAs(this, this.#later.firstNs(), this.#later.firstOrder());
  }
}
