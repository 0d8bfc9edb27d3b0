/**
 * A row of frames that arrive in the order in which they were sent, each at its time. A frame that arrives
 * at the present instant, with none before it, waits in a list without a time of its own: a link without
 * delay costs no more than that.
 */
import type { Frame } from '../netstack/frame.js';
import { EventSource, type Timeline } from './timeline.js';

/** Frames that one lane holds at most. */
export const MOST_FRAMES_IN_LANE = 65_536;
const FIRST_CAPACITY = 16;

/** Takes the frames of a lane, one at each event. */
export interface LaneEnd {
  /** A frame has arrived; the callee owns it. */
  arrive(frame: Frame): void;
}

export class Lane extends EventSource {
  readonly #timeline: Timeline;
  readonly #end: LaneEnd;
  /** Frames that arrive at the present instant. */
  #first: Frame | undefined;
  #last: Frame | undefined;
  #presentCount = 0;
  /** Frames that arrive later, their times, and their places in the order of events: three rings. */
  #frames: (Frame | undefined)[] = new Array<Frame | undefined>(FIRST_CAPACITY).fill(undefined);
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  #head = 0;
  #count = 0;

  constructor(hostId: number, timeline: Timeline, end: LaneEnd) {
    super(hostId);
    this.#timeline = timeline;
    this.#end = end;
  }

  /** Number of frames on the way. */
  get size(): number {
    return this.#count + this.#presentCount;
  }

  get isFull(): boolean {
    return this.size >= MOST_FRAMES_IN_LANE;
  }

  /** Adds a frame that arrives at `atNs`, and not before the one that was added last. */
  push(frame: Frame, atNs: number): void {
    if (this.#count === 0 && atNs <= this.#timeline.nowNs) this.pushNow(frame);
    else this.#pushLater(frame, atNs);
  }

  /** Adds a frame that arrives at the present instant to a lane without later ones. */
  pushNow(frame: Frame): void {
    frame.next = undefined;
    if (this.#last === undefined) this.#first = frame;
    else this.#last.next = frame;
    this.#last = frame;
    this.#presentCount += 1;
    this.#timeline.add(this);
  }

  /** True if no frame waits for a later instant. */
  get isPresent(): boolean {
    return this.#count === 0;
  }

  override occur(): void {
    const frame = this.#shiftPresent() ?? this.#shiftDue();
    if (frame !== undefined) this.#end.arrive(frame);
  }

  /** Removes all frames and returns the first, which leads to the others by `next`. */
  clear(): Frame | undefined {
    const first = this.#first;
    let last = this.#last;
    let all = first;
    while (this.#count > 0) {
      const frame = this.#shift();
      if (frame === undefined) break;
      frame.next = undefined;
      if (last === undefined) all = frame;
      else last.next = frame;
      last = frame;
    }
    this.#first = this.#last = undefined;
    this.#presentCount = 0;
    this.#timeline.cancel(this);
    return all;
  }

  #shiftPresent(): Frame | undefined {
    const frame = this.#first;
    if (frame === undefined) return undefined;
    this.#first = frame.next;
    if (this.#first === undefined) this.#last = undefined;
    frame.next = undefined;
    this.#presentCount -= 1;
    return frame;
  }

  #shiftDue(): Frame | undefined {
    if (this.#count === 0 || (this.#times[this.#head] ?? 0) > this.#timeline.nowNs) return undefined;
    const frame = this.#shift();
    if (this.#count > 0) this.#expect();
    return frame;
  }

  #pushLater(frame: Frame, atNs: number): void {
    if (this.#count === this.#frames.length) this.#grow();
    const mask = this.#frames.length - 1;
    const place = (this.#head + this.#count) & mask;
    const before = this.#count === 0 ? 0 : (this.#times[(place - 1) & mask] ?? 0);
    this.#frames[place] = frame;
    this.#times[place] = Math.max(atNs, before);
    this.#orders[place] = this.#timeline.nextOrder();
    this.#count += 1;
    if (this.#count === 1) this.#expect();
  }

  #expect(): void {
    this.#timeline.scheduleAs(this, this.#times[this.#head] ?? 0, this.#orders[this.#head] ?? 0);
  }

  #shift(): Frame | undefined {
    const frame = this.#frames[this.#head];
    this.#frames[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#frames.length - 1);
    this.#count -= 1;
    return frame;
  }

  #grow(): void {
    const size = this.#frames.length;
    const frames = new Array<Frame | undefined>(2 * size).fill(undefined);
    const times = new Float64Array(2 * size);
    const orders = new Float64Array(2 * size);
    for (let index = 0; index < size; index += 1) {
      const from = (this.#head + index) & (size - 1);
      frames[index] = this.#frames[from];
      times[index] = this.#times[from] ?? 0;
      orders[index] = this.#orders[from] ?? 0;
    }
    this.#frames = frames;
    this.#times = times;
    this.#orders = orders;
    this.#head = 0;
  }
}
