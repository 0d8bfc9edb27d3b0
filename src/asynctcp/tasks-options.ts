/** Checks the options of a group of tasks. */
import { checkNumber, checkOptions, MAX_TIMEOUT_S } from './check.js';

/** Tasks of a group: as many as there are cores in the configuration's range. */
export const MAX_TASKS = 1024;
export const MAX_DRAIN_MS = MAX_TIMEOUT_S * 1000;
export const DEFAULT_DRAIN_MS = 10_000;
const DEFAULT_START_MS = 30_000;

export interface TasksTimes {
  readonly drainMs?: number;
  readonly startMs?: number;
}

/** @throws TypeError, RangeError for options out of range. */
export function checkTasksOptions(options: TasksTimes): { drainMs: number; startMs: number } {
  checkOptions(options);
  const { drainMs = DEFAULT_DRAIN_MS, startMs = DEFAULT_START_MS } = options;
  return {
    drainMs: checkNumber('drainMs', drainMs, 0, MAX_DRAIN_MS, ' ms'),
    startMs: checkNumber('startMs', startMs, 1, MAX_DRAIN_MS, ' ms'),
  };
}
