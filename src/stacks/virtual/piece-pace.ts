/**
 * The pace of the pieces that a program withholds (contract D5). A piece costs more memory than its bytes:
 * past one for each `WINDOW_BYTES_PER_PIECE` of the window, arriving bytes are joined for `JOIN_MS`.
 */
import { Timer, type TimerOwner } from '../../support/timers.js';

export const WINDOW_BYTES_PER_PIECE = 256;
export const JOIN_MS = 100;

export class PiecePace {
  readonly #most: number;
  /** Pieces that are withheld. Consuming a share of the bytes takes the same share off. */
  #pieces = 0;
  #lastMs = 0;
  /** For the time at which joined bytes can be delivered. */
  readonly timer: Timer;

  constructor(windowBytes: number, owner: TimerOwner) {
    this.timer = new Timer(owner);
    this.#most = Math.max(1, Math.floor(windowBytes / WINDOW_BYTES_PER_PIECE));
  }

  /** Returns the time, in milliseconds, from which on the next piece may be delivered. */
  nextMs(): number {
    return this.#pieces < this.#most ? Number.NEGATIVE_INFINITY : this.#lastMs + JOIN_MS;
  }

  delivered(nowMs: number): void {
    this.#pieces += 1;
    this.#lastMs = nowMs;
  }

  /** Notes that of `before` withheld bytes `left` are left. */
  consumed(before: number, left: number): void {
    this.#pieces = left === 0 ? 0 : (this.#pieces * left) / before;
  }
}
