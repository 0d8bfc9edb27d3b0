/** A ring of frames, each with a time and a place in the order of events. It allocates only to grow. */
import type { Frame } from '../netstack/frame.js';

const FIRST_CAPACITY = 16;

export class FrameRing {
  #frames: (Frame | undefined)[] = new Array<Frame | undefined>(FIRST_CAPACITY).fill(undefined);
  #times = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  #head = 0;
  size = 0;
  /** Bytes of all frames in the ring. */
  bytes = 0;

  push(frame: Frame, atNs: number, order: number): void {
    if (this.size === this.#frames.length) this.#grow();
    const place = (this.#head + this.size) & (this.#frames.length - 1);
    this.#frames[place] = frame;
    this.#times[place] = atNs;
    this.#orders[place] = order;
    this.size += 1;
    this.bytes += frame.length;
  }

  /** Removes and returns the oldest frame. */
  shift(): Frame | undefined {
    if (this.size === 0) return undefined;
    const frame = this.#frames[this.#head];
    this.#frames[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#frames.length - 1);
    this.size -= 1;
    this.bytes -= frame?.length ?? 0;
    return frame;
  }

  /** Time of the oldest frame; meaningless if there is none. */
  firstNs(): number {
    return this.#times[this.#head] ?? 0;
  }

  firstOrder(): number {
    return this.#orders[this.#head] ?? 0;
  }

  /** Time of the frame that was added last; 0 if there is none. */
  lastNs(): number {
    if (this.size === 0) return 0;
    return this.#times[(this.#head + this.size - 1) & (this.#frames.length - 1)] ?? 0;
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
