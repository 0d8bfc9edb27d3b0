/**
 * The time of one stack: it moves when the stack's driver says so, and its one alarm is the stack's deadline.
 */
import { assert } from '../support/assert.js';
import type { Alarm, Clock, MonotonicClock } from '../support/clock.js';

const NEVER_MS = Number.POSITIVE_INFINITY;

export class StackClock implements Clock {
  #nowMs: number;
  /** The driver's clock, if it can be asked. */
  readonly #source: MonotonicClock | undefined;
  #wake: (() => void) | undefined;
  #alarmAtMs = NEVER_MS;
  /** The alarm is the same object each time: arming a timer makes none. */
  readonly #alarm: Alarm = {
    cancel: () => {
      this.#wake = undefined;
      this.#alarmAtMs = NEVER_MS;
    },
  };

  constructor(nowMs: number, source?: MonotonicClock) {
    this.#nowMs = nowMs;
    this.#source = source;
  }

  nowMs(): number {
    return this.#source === undefined ? this.#nowMs : this.#source.nowMs();
  }

  /** Sets the one alarm, which must not be set. */
  setAlarm(atMs: number, wake: () => void): Alarm {
    assert(this.#wake === undefined, 'a stack has one alarm, that of its timers');
    this.#wake = wake;
    this.#alarmAtMs = atMs;
    return this.#alarm;
  }

  /** Time of the alarm; `Infinity` if none is set. */
  get alarmAtMs(): number {
    return this.#alarmAtMs;
  }

  /**
   * Moves the time, never back, and wakes the alarm if it is due. An alarm that is set from inside for a
   * time that has come already waits for the next call.
   */
  advance(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    if (this.#alarmAtMs > this.nowMs()) return;
    const wake = this.#wake;
    this.#alarm.cancel();
    wake?.();
  }
}
