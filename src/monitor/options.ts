/** The options of a monitor. */
import { checkNumber, checkObject, checkOptions, show } from '../asynctcp/check.js';
import { systemClock, type Clock } from '../support/clock.js';
import { BLOCKED_AFTER_MS } from './blockage.js';

/** Range of `blockedAfterMs`. */
export const LEAST_BLOCKED_AFTER_MS = 1000;
export const MOST_BLOCKED_AFTER_MS = 3_600_000;

export interface MonitorOptions {
  /** Clock of the samples; that of the stacks. Default: the machine's. */
  clock?: Clock;
  /**
   * Time without progress after which a connection whose bytes wait is blocked, 1000 to 3600000 ms. Default
   * 2000.
   */
  blockedAfterMs?: number;
}

export interface CheckedOptions {
  readonly clock: Clock;
  readonly blockedAfterMs: number;
}

function checkClock(clock: Clock): void {
  checkObject('clock', clock);
  for (const method of ['nowMs', 'setAlarm'] as const) {
    const found: unknown = Reflect.get(clock, method);
    if (typeof found !== 'function') {
      throw new TypeError(`clock must have the methods nowMs and setAlarm; its ${method} is ${show(found)}`);
    }
  }
}

/** @throws TypeError, RangeError for options out of range. */
export function checkMonitorOptions(options: MonitorOptions): CheckedOptions {
  checkOptions(options);
  const { clock = systemClock, blockedAfterMs = BLOCKED_AFTER_MS } = options;
  checkClock(clock);
  const range = [LEAST_BLOCKED_AFTER_MS, MOST_BLOCKED_AFTER_MS] as const;
  return { clock, blockedAfterMs: checkNumber('blockedAfterMs', blockedAfterMs, ...range, ' ms') };
}
