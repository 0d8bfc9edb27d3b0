/** Interface of a stack's timers, which `TimerWheel` implements. */

export interface TimerOwner {
  /** Called when the timer's time has come. The owner may arm and disarm any timer, this one included. */
  due(nowMs: number): void;
}

/** One timer; its owner keeps it for life, so that arming makes no object. */
export class Timer {
  readonly owner: TimerOwner;
  /** Time at which the timer fires; meaningless while it is not armed. */
  atMs = 0;
  /** The wheel's slot of the timer, −1 while it is not armed. Only the wheel uses this field. */
  slot = -1;
  next: Timer | undefined;
  previous: Timer | undefined;

  constructor(owner: TimerOwner) {
    this.owner = owner;
  }

  get armed(): boolean {
    return this.slot >= 0;
  }
}

export interface Timers {
  /**
   * Fires `timer` once, no earlier than `atMs`, and moves it if it is armed. A time in the past fires soon,
   * never from inside this call.
   */
  arm(timer: Timer, atMs: number): void;
  /** Arms the timer as `arm` does, unless it fires earlier already. */
  armBy(timer: Timer, atMs: number): void;
  /** Disarms a timer; harmless if it is not armed. */
  disarm(timer: Timer): void;
}
