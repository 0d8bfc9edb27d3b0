/**
 * Many timers over one alarm of the clock: a hashed wheel (Varghese and Lauck, 1987, scheme 6). Arming and
 * disarming cost the same with one timer and with a hundred thousand, and while nothing is due nothing
 * runs: the alarm is set for the earliest timer of the first slot that has one.
 *
 * Call order: `arm` (again to move it, in either direction) → `due` once → `arm` again for the next time. A
 * timer that is disarmed or moved while the wheel turns does not fire for its old time.
 */
import { assert } from './assert.js';
import { runTicks } from './callback-scope.js';
import type { Alarm, Clock } from './clock.js';
import type { Timer, Timers } from './timers.js';

/**
 * Milliseconds that one slot covers. The width bounds how many timers share a slot; it does not affect how
 * exactly they fire.
 */
export const SLOT_MS = 20;
/** Slots in the wheel: one turn is 10.24 s, longer than the timers that every connection has. */
export const SLOTS = 512;

export class TimerWheel implements Timers {
  readonly #clock: Clock;
  readonly #heads: (Timer | undefined)[] = new Array<Timer | undefined>(SLOTS).fill(undefined);
  #count = 0;
  #alarm: Alarm | undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  /** All timers due before this time have fired. */
  #turnedToMs: number;
  #turning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turnedToMs = clock.nowMs();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Number of armed timers. */
  get size(): number {
    return this.#count;
  }

  /**
   * Fires `timer` once, no earlier than `atMs`. A time in the past fires at the next turn, never from
   * inside this call.
   */
  arm(timer: Timer, atMs: number): void {
    assert(Number.isFinite(atMs), 'a timer has a finite time');
    if (timer.armed) this.#unlink(timer);
    if (this.#count === 0) this.#turnedToMs = this.#clock.nowMs();
    timer.atMs = atMs;
    // A timer whose time has passed goes into the slot at which the next turn begins.
    this.#link(timer, slotOf(Math.max(atMs, this.#turnedToMs)));
    if (!this.#turning && atMs < this.#alarmAtMs) this.#setAlarm(atMs);
  }

  /** Arms the timer as `arm` does, unless it fires earlier already. */
  armBy(timer: Timer, atMs: number): void {
    if (!timer.armed || timer.atMs > atMs) this.arm(timer, atMs);
  }

  disarm(timer: Timer): void {
    if (timer.armed) this.#unlink(timer);
    if (this.#count === 0 && !this.#turning) this.#clearAlarm();
  }

  #link(timer: Timer, slot: number): void {
    const head = this.#heads[slot];
    timer.slot = slot;
    timer.previous = undefined;
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#heads[slot] = timer;
    this.#count += 1;
  }

  #unlink(timer: Timer): void {
    if (timer.previous === undefined) this.#heads[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.next = undefined;
    timer.previous = undefined;
    timer.slot = -1;
    this.#count -= 1;
  }

  #turn(): void {
    const nowMs = this.#clock.nowMs();
    const due: Timer[] = [];
    this.#alarm = undefined;
    this.#alarmAtMs = Number.POSITIVE_INFINITY;
    const firstTick = Math.floor(this.#turnedToMs / SLOT_MS);
    const lastTick = Math.floor(nowMs / SLOT_MS);
    const ticks = Math.min(lastTick - firstTick, SLOTS - 1);
    for (let tick = 0; tick <= ticks; tick += 1) this.#collect(slotOfTick(firstTick + tick), nowMs, due);
    this.#turnedToMs = nowMs;
    // A slot's list begins with the timer armed last; timers of the same time fire in the order of arming.
    due.reverse().sort((a, b) => a.atMs - b.atMs);
    this.#turning = true;
    try {
      this.#fire(due, nowMs);
    } finally {
      this.#turning = false;
      this.#keepUnfired(due, nowMs);
      if (this.#count > 0) this.#setAlarm(this.#earliestMs());
    }
  }

  /**
   * Moves due timers that have not fired, because an owner threw, into the slot at which the next turn
   * begins.
   */
  #keepUnfired(due: readonly Timer[], nowMs: number): void {
    for (const timer of due) {
      if (!timer.armed || timer.atMs > nowMs) continue;
      this.#unlink(timer);
      this.#link(timer, slotOf(this.#turnedToMs));
    }
  }

  #collect(slot: number, nowMs: number, due: Timer[]): void {
    for (let timer = this.#heads[slot]; timer !== undefined; timer = timer.next) {
      if (timer.atMs <= nowMs) due.push(timer);
    }
  }

  #fire(due: readonly Timer[], nowMs: number): void {
    for (const timer of due) {
      // The owner of an earlier timer may have disarmed this one, or moved it to a later time.
      if (!timer.armed || timer.atMs > nowMs) continue;
      this.#unlink(timer);
      timer.owner.due(nowMs);
      runTicks();
    }
  }

  /**
   * Returns the earliest time in the first slot of this turn that has a timer of this turn; else the end of
   * the turn.
   */
  #earliestMs(): number {
    const firstTick = Math.floor(this.#turnedToMs / SLOT_MS);
    for (let tick = firstTick; tick < firstTick + SLOTS; tick += 1) {
      const slotEndMs = (tick + 1) * SLOT_MS;
      let earliestMs = Number.POSITIVE_INFINITY;
      for (let timer = this.#heads[slotOfTick(tick)]; timer !== undefined; timer = timer.next) {
        earliestMs = Math.min(earliestMs, timer.atMs);
      }
      if (earliestMs < slotEndMs) return earliestMs;
    }
    return (firstTick + SLOTS) * SLOT_MS;
  }

  #setAlarm(atMs: number): void {
    this.#alarm?.cancel();
    this.#alarmAtMs = atMs;
    this.#alarm = this.#clock.setAlarm(atMs, () => {
      this.#turn();
    });
  }

  #clearAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#alarmAtMs = Number.POSITIVE_INFINITY;
  }
}

function slotOf(atMs: number): number {
  return slotOfTick(Math.floor(atMs / SLOT_MS));
}

/** Returns the slot of a tick, also of a tick before the clock's zero. */
function slotOfTick(tick: number): number {
  return ((tick % SLOTS) + SLOTS) % SLOTS;
}
