/**
 * The async task as the monitor shows it. Callbacks are only timed with `CONFIG_ASYNC_TCP_DIAGNOSTICS`: a
 * monitor must not slow each message down.
 */
import { beginTask, threadProbe } from '../asynctcp/task-use.js';
import { callbackFigures, collectedProbe } from '../task/diagnostics.js';
import { WORD_BYTES } from '../task/stack-size.js';
import { threadInEffect, type ThreadProbe } from '../task/thread-in-effect.js';
import { biteText, type WatchdogBite } from '../task/watchdog-bite.js';
import { Ring } from './ring.js';
import type { TaskFigures } from './snapshot.js';

/** Bites of the watchdog that are kept. */
export const MOST_BITES = 20;
/** Interval at which the use of the stack is measured, in milliseconds. */
const STACK_INTERVAL_MS = 10_000;

type BiteFigures = TaskFigures['bites'][number];

/** Returns the first line of a bite's text, without the name of the library. */
export function biteLine(bite: WatchdogBite): string {
  const [first = ''] = biteText(bite).split('\n');
  return `${bite.handler}: ${first.replace(/^asynctcp: /, '')}`;
}

export class TaskView {
  readonly #settings = beginTask();
  /** Diagnostics have measured the stack already: another probe would spoil that, and see less. */
  readonly #probe: ThreadProbe | undefined = collectedProbe() ?? threadProbe();
  readonly #bites = new Ring<BiteFigures>(MOST_BITES);
  #leastUnusedBytes = Number.POSITIVE_INFINITY;
  #measureAtMs = Number.NEGATIVE_INFINITY;
  #canMeasure: boolean;

  constructor() {
    this.#canMeasure = this.#probe !== undefined;
    if (collectedProbe() === undefined) this.#probe?.watchStack();
  }

  bite(bite: WatchdogBite, atMs: number): void {
    this.#bites.add({ atMs, text: biteText(bite), backtrace: bite.backtrace });
  }

  #measureStack(nowMs: number): void {
    if (!this.#canMeasure || nowMs < this.#measureAtMs) return;
    this.#measureAtMs = nowMs + STACK_INTERVAL_MS;
    try {
      const unused = this.#probe?.unusedStackBytes() ?? Number.POSITIVE_INFINITY;
      this.#leastUnusedBytes = Math.min(this.#leastUnusedBytes, unused);
    } catch {
      // The platform does not tell, now or later.
      this.#canMeasure = false;
    }
  }

  figures(nowMs: number): TaskFigures {
    this.#measureStack(nowMs);
    const inEffect = this.#probe === undefined ? undefined : threadInEffect(this.#settings, this.#probe);
    const unusedWords = this.#leastUnusedBytes / WORD_BYTES;
    return {
      core: inEffect?.core.effective ?? this.#settings.core,
      priority: inEffect?.priority.effective ?? this.#settings.priority,
      stackWords: inEffect?.stackWords.effective ?? null,
      stackHighWaterMark: Number.isFinite(unusedWords) ? unusedWords : null,
      callbacks: Object.entries(callbackFigures() ?? {})
        .filter(([, { count }]) => count > 0)
        .map(([name, figures]) => ({ name, ...figures }))
        .sort((a, b) => b.longestMs - a.longestMs),
      bites: this.#bites.last(MOST_BITES),
    };
  }
}
