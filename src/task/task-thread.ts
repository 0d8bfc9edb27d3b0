/** What a task's thread came to, and what reaches it as if it were a process. */
import type { Requested } from './diagnostics.js';

export interface TaskThread {
  /** Number of the thread in `worker_threads`. */
  readonly threadId: number;
  /** The operating system's number of the thread; `undefined` without the native addon. */
  readonly systemThreadId: number | undefined;
  /** Core that the thread is pinned to; −1: any. */
  readonly core: Requested;
  /** FreeRTOS priorities; `nice` is the thread's nice value, to which the effective one is the nearest. */
  readonly priority: Requested & { readonly nice: number };
  /** In 32-bit words. */
  readonly stackWords: Requested;
}

/** Signals that can be given to a task. */
export type TaskSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2';
