/** Timers that keep no process alive, of limits that may be longer than a timer's longest time. */

/** Longest time of Node's timers, in milliseconds: about 25 days. */
const MOST_MS = 2_147_483_647;

/** Returns a time that a timer takes. */
export function timerMs(ms: number): number {
  return Math.min(ms, MOST_MS);
}

/** Calls `look` at an interval. */
export function every(ms: number, look: () => void): NodeJS.Timeout {
  return setInterval(look, timerMs(ms)).unref();
}

/** Calls `act` once. */
export function after(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, timerMs(ms)).unref();
}
