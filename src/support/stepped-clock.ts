/**
 * A clock that only a test moves: a timeout of 5 s is tested in no time, and on the slowest machine.
 */
import type { Alarm, Clock } from './clock.js';

/** Not 0, so that a time is not mistaken for a duration. */
const START_MS = 1_000_000;

interface Waiting {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Virtual time. It stands unless `advance`, `advanceTo` or `stall` moves it. */
export class SteppedClock implements Clock {
  #nowMs = START_MS;
  readonly #waiting = new Set<Waiting>();

  nowMs(): number {
    return this.#nowMs;
  }

  setAlarm(atMs: number, wake: () => void): Alarm {
    const waiting = { atMs, wake };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  /** Alarms that have not come yet. */
  get alarms(): number {
    return this.#waiting.size;
  }

  /** Time of the earliest alarm, in milliseconds; `undefined` if there is none. */
  nextMs(): number | undefined {
    return this.#earliest()?.atMs;
  }

  /** True if an alarm is due at the present time: `advance(0)` wakes it. */
  isDue(): boolean {
    return (this.nextMs() ?? Number.POSITIVE_INFINITY) <= this.#nowMs;
  }

  /**
   * Moves on by `ms` milliseconds, and wakes the alarms on the way in the order of their times.
   * @throws RangeError unless `ms` is a finite number of at least 0.
   */
  advance(ms: number): void {
    this.advanceTo(this.#nowMs + checkStep(ms));
  }

  /** As `advance`, up to the time `endMs`; without effect if that is past. */
  advanceTo(endMs: number): void {
    for (let next = this.#earliest(); next !== undefined && next.atMs <= endMs; next = this.#earliest()) {
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /**
   * Moves on by `ms` milliseconds at once, as if the process had been held up: alarms on the way come late.
   * @throws RangeError unless `ms` is a finite number of at least 0.
   */
  stall(ms: number): void {
    this.#nowMs += checkStep(ms);
    this.advance(0);
  }

  /** Of alarms at the same time, the one that was set first. */
  #earliest(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (first === undefined || waiting.atMs < first.atMs) first = waiting;
    }
    return first;
  }
}

/** Returns a number of milliseconds that a clock can be moved by. */
export function checkStep(ms: number): number {
  if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`ms must be a number of at least 0, not ${String(ms)}`);
  }
  return ms;
}
