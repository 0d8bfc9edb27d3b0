/**
 * Time as the library sees it. Everything that waits takes a `Clock`, so that the same code runs on the
 * machine's time, under a simulator's virtual time and in a test that moves the hands itself. `systemClock`
 * is the one place that asks the runtime what time it is. It keeps the runtime's functions as they were when
 * this module was loaded: a test's fake timers, installed later, stop the test's own code and no socket.
 */
const { setTimeout, clearTimeout } = globalThis;
const monotonicMs = performance.now.bind(performance);

/** A wake-up that was asked for and has not come yet. */
export interface Alarm {
  /** Takes the wake-up back; harmless when it has come already. */
  cancel(): void;
}

/** What tells the time, and no more. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary start; never goes back. */
  nowMs(): number;
}

export interface Clock extends MonotonicClock {
  /**
   * Calls `wake` once, no earlier than `atMs`, never from inside this call.
   * A waiting alarm does not keep the process alive.
   */
  setAlarm(atMs: number, wake: () => void): Alarm;
}

/** The longest delay that a 32-bit timer of the runtimes can hold; longer ones are waited for in pieces. */
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
    // Timers of the runtimes count whole milliseconds and may fire a fraction early: ask again until it is
    // time.
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
