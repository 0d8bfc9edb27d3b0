/** The thread of a task: its numbers, and the signals that it receives as if it were a process. */
import type { ThreadInEffect } from './thread-in-effect.js';

/** Numbers and settings of a task's thread. */
export interface TaskThread extends ThreadInEffect {
  /** Number of the thread in `worker_threads`. */
  readonly threadId: number;
  /**
   * The operating system's number of the thread; `undefined` without the native addon. Linux calls it TID.
   */
  readonly systemThreadId: number | undefined;
}

/** Signals that can be given to a task. */
export type TaskSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2';
