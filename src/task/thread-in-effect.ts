/** The requested settings of a task's thread, and those that it has in effect. */
import { priorityOfNice } from './priority.js';
import { WORD_BYTES } from './stack-size.js';
import type { TaskSettings } from './task-settings.js';

/** Reads the settings in effect from the thread that runs the task. */
export interface ThreadProbe {
  /** Begins to measure the use of the stack. */
  watchStack(): void;
  /** Returns the one core that the thread may run on; −1: more than one, or unknown. */
  core(): number;
  nice(): number;
  stackBytes(): number;
  /**
   * Returns the bytes of the stack that were never used. @throws Error with the reason if that is not
   * measured.
   */
  unusedStackBytes(): number;
}

/** A setting of the thread. */
export interface Requested {
  /** The configured value. */
  readonly requested: number;
  /** The value that the operating system reports. */
  readonly effective: number;
}

/** Settings of the task's thread, as configured and as they are. */
export interface ThreadInEffect {
  /** The core that the task's thread is pinned to; −1: any. */
  readonly core: Requested;
  /** FreeRTOS priorities; the effective one is the nearest to the thread's `nice` value. */
  readonly priority: Requested & { readonly nice: number };
  /** In 32-bit words. The effective size is the thread's whole stack, the engine's reserve included. */
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
