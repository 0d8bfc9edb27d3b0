/**
 * Begins the async task in this thread, with its settings. The API does not know how to pin or watch a
 * thread: `src/composition.ts` offers a `TaskKeeper` that does.
 */
import { runningCallback } from '../task/dispatch.js';
import type { TaskHooks, TaskSettings } from '../task/task-settings.js';
import type { ThreadProbe } from '../task/thread-in-effect.js';
import { assert } from '../support/assert.js';
import type { TaskGroup } from '../task/task-group.js';
import { configuration, type Configuration, type ConfigureOptions } from './configuration.js';
import { drainListeners, resetAll } from './thread-registry.js';

export interface TaskKeeper {
  /** Applies core, priority and so on to the calling thread. */
  begin(settings: TaskSettings): void;
  /** Starts the watchdog over this thread's callbacks. */
  watch(settings: TaskSettings, hooks: TaskHooks): void;
  /** Returns a probe of the calling thread. */
  probe(): ThreadProbe;
}

let keeper: TaskKeeper | undefined;
let group: TaskGroup | undefined;
let settings: TaskSettings | undefined;
let watched = false;

export function offerTaskKeeper(offered: TaskKeeper): void {
  keeper = offered;
}

/** Makes the group known that the task of this thread belongs to. */
export function offerTaskGroup(offered: TaskGroup): void {
  group = offered;
  group.onDrain(drainListeners);
}

/** Returns the group of this thread's task; `undefined` if it is no task of a group. */
export function taskGroup(): TaskGroup | undefined {
  return group;
}

/** Returns a probe of the calling thread; `undefined` on a runtime without one. */
export function threadProbe(): ThreadProbe | undefined {
  return keeper?.probe();
}

function number(from: Configuration, option: keyof ConfigureOptions): number {
  const value = from.integer(option);
  assert(value !== undefined, 'every option of the task has a default');
  return value;
}

export function readTaskSettings(from: Configuration): TaskSettings {
  return {
    core: number(from, 'runningCore'),
    priority: number(from, 'taskPriority'),
    stackWords: number(from, 'taskStackSize'),
    stackIsSet: from.isSet('taskStackSize'),
    watchdog: from.integer('useWdt') === 1,
    timeoutMs: number(from, 'wdtTimeoutS') * 1000,
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

/**
 * Starts the watchdog if the settings ask for it: with a client or a server, callbacks may come from now on.
 */
export function useTask(): void {
  if (watched) return;
  const inForce = beginTask();
  watched = true;
  if (inForce.watchdog) keeper?.watch(inForce, { running: runningCallback, resetAll });
}
