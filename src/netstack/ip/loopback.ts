/** The device of a host's loopback interface: a queue, whose frames the driver has taken one by one. */
import type { Counters } from '../counters.js';
import type { Device } from '../device.js';
import type { Frame, FramePool } from '../frame.js';
import { MOST_PACKET_BYTES } from '../wire/ipv4.js';

/** Frames that wait. */
export const MOST_LOOPBACK_FRAMES = 65_536;

export class Loopback implements Device {
  readonly medium = 'ip';
  readonly mtu = MOST_PACKET_BYTES;
  readonly frames: FramePool;
  readonly #counters: Counters;
  readonly #onWork: () => void;
  #first: Frame | undefined;
  #last: Frame | undefined;
  #waiting = 0;

  /** @param onWork called when a frame waits, and none did before. */
  constructor(frames: FramePool, counters: Counters, onWork: () => void) {
    this.frames = frames;
    this.#counters = counters;
    this.#onWork = onWork;
  }

  /** True if a frame waits. */
  get hasFrames(): boolean {
    return this.#first !== undefined;
  }

  transmit(frame: Frame): void {
    if (this.#waiting >= MOST_LOOPBACK_FRAMES) {
      this.#counters.drop('loopbackFull');
      this.frames.give(frame);
      return;
    }
    this.#waiting += 1;
    frame.next = undefined;
    if (this.#last === undefined) this.#first = frame;
    else this.#last.next = frame;
    this.#last = frame;
    if (this.#waiting === 1) this.#onWork();
  }

  /** Returns the oldest frame, which the caller owns; `undefined` if none waits. */
  take(): Frame | undefined {
    const frame = this.#first;
    if (frame === undefined) return undefined;
    this.#waiting -= 1;
    this.#first = frame.next;
    if (this.#first === undefined) this.#last = undefined;
    frame.next = undefined;
    return frame;
  }
}
