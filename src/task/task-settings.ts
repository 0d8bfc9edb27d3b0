import type { ConnectionReport } from './connection-report.js';

/** What the configuration says about the async task. */
export interface TaskSettings {
  /** The core that its thread is pinned to; −1: any. */
  readonly core: number;
  /** FreeRTOS's, 0 to 24. */
  readonly priority: number;
  /** As it was asked for, in 32-bit words. */
  readonly stackWords: number;
  /** Somebody asked for that size. */
  readonly stackIsSet: boolean;
  readonly watchdog: boolean;
  /** Time that one callback may take. */
  readonly timeoutMs: number;
  /** A bite ends the task. */
  readonly panic: boolean;
  readonly diagnostics: boolean;
}

/** A callback is slow when it takes more than this part of the watchdog's time. */
export const SLOW_PART = 0.1;

/** Configuration symbols and their values, as an environment has them. */
export type Variables = Readonly<Record<string, string>>;

/** What a watchdog may ask of the thread that it has stopped in the middle of a callback. */
export interface TaskHooks {
  /** The connection whose callback runs. */
  running(): ConnectionReport | undefined;
  /** Resets every connection, without any callback. */
  resetAll(): void;
}
