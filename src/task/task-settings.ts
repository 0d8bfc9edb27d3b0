import type { ConnectionReport } from './connection-report.js';

/** The configuration of the async task. */
export interface TaskSettings {
  /** The core that its thread is pinned to; −1: any. */
  readonly core: number;
  /** A FreeRTOS priority, 0 to 24. */
  readonly priority: number;
  /** The requested size, in 32-bit words. */
  readonly stackWords: number;
  /** True if the size is configured; false if it is the default. */
  readonly stackIsSet: boolean;
  readonly watchdog: boolean;
  /** Milliseconds that one callback may take. */
  readonly timeoutMs: number;
  /** True if a bite ends the task. */
  readonly panic: boolean;
  readonly diagnostics: boolean;
}

/** A callback is slow if it takes more than this part of the watchdog's time. */
export const SLOW_PART = 0.1;

/** Configuration symbols and their values, in the form of environment variables. */
export type Variables = Readonly<Record<string, string>>;

/** Functions that a watchdog calls in the thread that it has stopped in the middle of a callback. */
export interface TaskHooks {
  /** Returns the connection whose callback runs; `undefined` between callbacks. */
  running(): ConnectionReport | undefined;
  /** Resets every connection of the thread and stops its listeners, without any callback. */
  resetAll(): void;
}
