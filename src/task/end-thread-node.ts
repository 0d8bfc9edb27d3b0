/** The end of a thread that may be in a synchronous call. */
import { systemClock } from '../support/clock.js';
import { warn } from '../support/warn.js';
import type { TaskWorker } from './task-worker-node.js';

/** A thread that has not ended by then is in a synchronous call, which only the end of the process ends. */
const END_LIMIT_MS = 2000;

/** Ends a thread, or the process if the thread cannot be ended. */
export function endOrKill(worker: TaskWorker | undefined): void {
  const limit = systemClock.setAlarm(systemClock.nowMs() + END_LIMIT_MS, () => {
    warn(
      `the task's thread cannot be ended: it has been in a synchronous call for ${END_LIMIT_MS / 1000} s more; the process ends`,
    );
    process.kill(process.pid, 'SIGKILL');
  });
  void worker?.terminate().finally(() => {
    limit.cancel();
  });
}
