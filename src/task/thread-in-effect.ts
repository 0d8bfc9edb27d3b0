/** What was asked for a task's thread, and what it has in effect. */
import { priorityOfNice } from './priority.js';
import { WORD_BYTES } from './stack-size.js';
import type { TaskSettings } from './task-settings.js';

/** What the runtime tells of the thread that runs the task. */
export interface ThreadProbe {
  /** From now on what is used of the stack is measured. */
  watchStack(): void;
  /** The one core that the thread may run on; −1: more than one, or unknown. */
  core(): number;
  nice(): number;
  stackBytes(): number;
  /** Bytes of the stack that were never used. @throws Error with the reason where they cannot be measured. */
  unusedStackBytes(): number;
}

/** What was asked for, and what is so. */
export interface Requested {
  /** As configured. */
  readonly requested: number;
  /** As the operating system reports it. */
  readonly effective: number;
}

export interface ThreadInEffect {
  /** Core that the task's thread is pinned to; −1: any. */
  readonly core: Requested;
  /** FreeRTOS priorities; `nice` is the thread's nice value, to which the effective one is the nearest. */
  readonly priority: Requested & { readonly nice: number };
  /** In 32-bit words. The effective stack is all that the thread has, the engine's reserve included. */
  readonly stackWords: Requested;
}

export function threadInEffect(
  { core, priority, stackWords }: TaskSettings,
  probe: ThreadProbe,
): ThreadInEffect {
  const nice = probe.nice();
  return {
    core: { requested: core, effective: probe.core() },
    priority: { requested: priority, effective: priorityOfNice(nice, priority), nice },
    stackWords: { requested: stackWords, effective: probe.stackBytes() / WORD_BYTES },
  };
}
