/** A first-in, first-out list of frames, linked by `Frame.next`: it allocates nothing. */
import type { Frame } from '../netstack/frame.js';

export class FrameQueue {
  #first: Frame | undefined;
  #last: Frame | undefined;
  size = 0;
  bytes = 0;

  push(frame: Frame): void {
    frame.next = undefined;
    if (this.#last === undefined) this.#first = frame;
    else this.#last.next = frame;
    this.#last = frame;
    this.size += 1;
    this.bytes += frame.length;
  }

  /** Returns the oldest frame, which is no longer in the queue. */
  shift(): Frame | undefined {
    const frame = this.#first;
    if (frame === undefined) return undefined;
    this.#first = frame.next;
    if (this.#first === undefined) this.#last = undefined;
    frame.next = undefined;
    this.size -= 1;
    this.bytes -= frame.length;
    return frame;
  }
}
