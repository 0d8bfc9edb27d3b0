/**
 * A clock whose hands only a test moves: what waits for 5 s is tested in no time, and on the slowest
 * machine.
 */
import type { Alarm, Clock } from 'asynctcp';

interface Waiting {
  readonly atMs: number;
  readonly wake: () => void;
}

export class SteppedClock implements Clock {
  #nowMs = 1_000_000;
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

  /** Moves on, waking in order whoever is due on the way. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    this.#nowMs = endMs;
  }

  /** The process was held up: so much time has passed at once, and whoever was due on the way comes late. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }

  #next(endMs: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const waiting of this.#waiting) {
      if (waiting.atMs <= endMs && (first === undefined || waiting.atMs < first.atMs)) first = waiting;
    }
    return first;
  }
}
