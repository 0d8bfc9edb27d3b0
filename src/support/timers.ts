/** What waits for a time: the interface of a stack's timers. `TimerWheel` is the implementation. */

export interface TimerOwner {
  /** The time has come. The owner may arm and disarm any timer, this one included. */
  due(nowMs: number): void;
}

/** One timer; its owner keeps it for life, so that arming makes no object. */
export class Timer {
  readonly owner: TimerOwner;
  /** When it fires; meaningless while it is not armed. */
  atMs = 0;
  /** The slot it hangs in, −1 while it is not armed. Belongs to the wheel. */
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
  /** As `arm`, unless the timer fires earlier already. */
  armBy(timer: Timer, atMs: number): void;
  /** Harmless for a timer that is not armed. */
  disarm(timer: Timer): void;
}
