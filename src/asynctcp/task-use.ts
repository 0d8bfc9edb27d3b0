/**
 * When the async task begins in this thread, and with which settings. The API does not know how a thread is
 * pinned or watched: the door hands that in.
 */
import { runningCallback } from '../task/dispatch.js';
import type { TaskHooks, TaskSettings } from '../task/task-settings.js';
import { configuration, type Configuration } from './configuration.js';
import { resetAll } from './host.js';

export interface TaskKeeper {
  /** Applies core, priority and so on to the calling thread. */
  begin(settings: TaskSettings): void;
  /** Starts the watchdog over this thread's callbacks. */
  watch(settings: TaskSettings, hooks: TaskHooks): void;
}

let keeper: TaskKeeper | undefined;
let settings: TaskSettings | undefined;
let watched = false;

export function offerTaskKeeper(offered: TaskKeeper): void {
  keeper = offered;
}

export function readTaskSettings(from: Configuration): TaskSettings {
  return {
    core: from.integer('runningCore') ?? -1,
    priority: from.integer('taskPriority') ?? 0,
    stackWords: from.integer('taskStackSize') ?? 0,
    stackIsSet: from.isSet('taskStackSize'),
    watchdog: from.integer('useWdt') === 1,
    timeoutMs: (from.integer('wdtTimeoutS') ?? 0) * 1000,
    panic: from.integer('wdtPanic') === 1,
    diagnostics: from.integer('diagnostics') === 1,
  };
}

/** Makes the calling thread the async task, at the first call. */
export function beginTask(): TaskSettings {
  if (settings !== undefined) return settings;
  const read = readTaskSettings(configuration);
  settings = read;
  keeper?.begin(read);
  return read;
}

/** There is a client or a server: from now on callbacks may come. */
export function useTask(): void {
  if (watched) return;
  const { watchdog } = beginTask();
  watched = true;
  if (watchdog && settings !== undefined) keeper?.watch(settings, { running: runningCallback, resetAll });
}
