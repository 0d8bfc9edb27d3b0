/** What a task's thread came to, and what reaches it as if it were a process. */
import type { ThreadInEffect } from './thread-in-effect.js';

export interface TaskThread extends ThreadInEffect {
  /** Number of the thread in `worker_threads`. */
  readonly threadId: number;
  /** The operating system's number of the thread; `undefined` without the native addon. */
  readonly systemThreadId: number | undefined;
}

/** Signals that can be given to a task. */
export type TaskSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2';
