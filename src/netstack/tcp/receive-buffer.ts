/**
 * The bytes that have arrived at a connection. Data that comes in order into an empty buffer stays in its
 * frame until the host's next flush, so that a program that reads at once gets it without a copy: `lend`,
 * then `settle`. Everything else is in a ring, what is out of order behind the ring's end.
 */
import { assert } from '../../support/assert.js';
import type { Frame, FramePool } from '../frame.js';
import { ByteRing, RingPool } from './ring.js';

export class ReceiveBuffer {
  readonly #ring: ByteRing;
  #frame: Frame | undefined;
  #pool: FramePool | undefined;
  #start = 0;
  #lent = 0;

  constructor(rings: RingPool) {
    this.#ring = new ByteRing(rings);
  }

  /** Bytes in order. */
  get length(): number {
    return this.#ring.length + this.#lent;
  }

  get capacity(): number {
    return this.#ring.capacity + this.#lent;
  }

  /** True if the buffer can keep a frame: it has nothing in order, and nothing behind that. */
  get isEmpty(): boolean {
    return this.#lent === 0 && this.#ring.capacity === 0;
  }

  /** True if the buffer is as a new one: without bytes, and without a frame that its program may look at. */
  get isUnused(): boolean {
    return this.#frame === undefined && this.#ring.capacity === 0;
  }

  /** Keeps a frame, and owns it from now on. */
  lend(frame: Frame, pool: FramePool, start: number, bytes: number): void {
    // A frame whose bytes were all read stays until the next flush, or until the next frame.
    this.#giveFrame();
    this.#frame = frame;
    this.#pool = pool;
    this.#start = start;
    this.#lent = bytes;
  }

  /** Copies what is left of the frame, and gives it back. */
  settle(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    const bytes = this.#lent;
    this.#lent = 0;
    if (bytes > 0) {
      this.#ring.store(0, frame.bytes, this.#start, bytes);
      this.#ring.length = bytes;
    }
    this.#giveFrame();
  }

  #giveFrame(): void {
    if (this.#frame !== undefined) this.#pool?.give(this.#frame);
    this.#frame = this.#pool = undefined;
  }

  /** Copies bytes behind those in order; `extend` counts them. */
  store(offset: number, source: Uint8Array, from: number, bytes: number): void {
    this.settle();
    this.#ring.store(this.#ring.length + offset, source, from, bytes);
  }

  /** Counts bytes that were stored as being in order. */
  extend(bytes: number): void {
    this.#ring.length += bytes;
  }

  /** Returns a view of the first bytes, at most `most`. */
  head(most: number): Uint8Array {
    const frame = this.#frame;
    if (frame === undefined || this.#lent === 0) return this.#ring.head(most);
    return frame.bytes.subarray(this.#start, this.#start + Math.min(most, this.#lent));
  }

  /** Removes the first bytes. @param keeps true: bytes behind those in order are kept. */
  drop(bytes: number, keeps: boolean): void {
    if (this.#lent === 0) {
      this.#ring.drop(bytes, keeps);
      return;
    }
    assert(bytes <= this.#lent, 'the buffer has the bytes that are dropped');
    this.#start += bytes;
    this.#lent -= bytes;
    // The view that the program has stays valid until the next packet or flush.
  }

  /** Gives all memory back. */
  release(): void {
    this.#lent = 0;
    this.#giveFrame();
    this.#ring.release();
  }
}

/** The buffer of a connection for which nothing has come. Nothing is put into it. */
export const NOTHING_RECEIVED = new ReceiveBuffer(new RingPool());
