/**
 * The bytes that have arrived at one end, within its window: those that wait to be delivered, and those that
 * were delivered and not consumed. The window counts both, to the byte.
 *
 * A piece costs more memory than its bytes, so that the number of withheld pieces is bounded as well: past
 * one for each `WINDOW_BYTES_PER_PIECE` of the window, arriving bytes are joined for `JOIN_MS` (contract D5).
 */
import { assert } from '../../support/assert.js';
import { ByteQueue } from './byte-queue.js';

export const WINDOW_BYTES_PER_PIECE = 256;
export const JOIN_MS = 100;

export class Inbox {
  readonly #windowBytes: number;
  readonly #queue = new ByteQueue();
  #unconsumed = 0;
  /** Pieces that are withheld. Consuming a share of the bytes takes the same share off. */
  #pieces = 0;
  #lastPieceMs = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** Bytes that wait to be delivered. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Bytes that have arrived and were not consumed. */
  get unconsumed(): number {
    return this.#queue.length + this.#unconsumed;
  }

  /** Bytes by which the window is open. */
  get window(): number {
    return this.#windowBytes - this.unconsumed;
  }

  receive(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** Returns the time, in milliseconds, from which on the next piece may be delivered. */
  nextPieceMs(): number {
    const most = Math.max(1, Math.floor(this.#windowBytes / WINDOW_BYTES_PER_PIECE));
    return this.#pieces < most ? Number.NEGATIVE_INFINITY : this.#lastPieceMs + JOIN_MS;
  }

  /** Takes all that waits, as one piece. */
  deliver(nowMs: number): Uint8Array {
    const bytes = this.#queue.take(this.#queue.length);
    assert(bytes !== undefined, 'bytes that have arrived are in memory of this stack');
    this.#unconsumed += bytes.length;
    this.#pieces += 1;
    this.#lastPieceMs = nowMs;
    return bytes;
  }

  consume(bytes: number): void {
    const left = this.#unconsumed - bytes;
    assert(left >= 0, 'no more is consumed than was delivered');
    this.#pieces = left === 0 ? 0 : (this.#pieces * left) / this.#unconsumed;
    this.#unconsumed = left;
  }

  clear(): void {
    this.#queue.clear();
    this.#unconsumed = this.#pieces = 0;
  }
}
