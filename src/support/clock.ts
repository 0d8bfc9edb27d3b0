/**
 * Time as the library sees it. All code that waits takes a `Clock`, so that it runs on the machine's time, on
 * a simulator's virtual time and on the clock of a test. `systemClock` is the one place that asks the runtime
 * for the time. `systemClock` keeps the runtime's functions as they were when this module was loaded: a
 * test's fake timers, installed later, stop the test's own code and no socket.
 */
const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
const monotonicMs = performance.now.bind(performance);
/** Returns the time of day: milliseconds since 1970. It may jump when the machine's clock is set. */
export const wallClockMs: () => number = Date.now.bind(Date);

/** A scheduled wake-up. */
export interface Alarm {
  /** Cancels the wake-up; harmless if it has come already. */
  cancel(): void;
}

/** A clock without alarms. */
export interface MonotonicClock {
  /** Returns the milliseconds since an arbitrary start, a number that never falls. */
  nowMs(): number;
}

export interface Clock extends MonotonicClock {
  /**
   * Calls `wake` once, no earlier than `atMs`, never from inside this call.
   * A waiting alarm does not keep the process alive.
   */
  setAlarm(atMs: number, wake: () => void): Alarm;
}

/** Longest delay that a 32-bit timer of the runtimes can hold; a longer wait takes several timers. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

class SystemAlarm implements Alarm {
  readonly #atMs: number;
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(atMs: number, wake: () => void) {
    this.#atMs = atMs;
    this.#wake = wake;
    this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    // Timers of the runtimes count whole milliseconds and may fire a fraction early: wait again until the
    // time has come.
    const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(0, Math.ceil(this.#atMs - monotonicMs())));
    this.#timer = setTimeout(() => {
      if (monotonicMs() < this.#atMs) this.#wait();
      else this.#wake();
    }, delayMs);
    if (typeof this.#timer === 'object') this.#timer.unref();
  }
}

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  nowMs: monotonicMs,
  setAlarm: (atMs, wake) => new SystemAlarm(atMs, wake),
};

/**
 * Keeps the process alive until the returned function is called: for a wait in which there is nothing but an
 * alarm.
 */
export function holdProcess(): () => void {
  const timer = setInterval(() => undefined, LONGEST_DELAY_MS);
  return () => {
    clearInterval(timer);
  };
}
