/**
 * The memory that a watched thread and its watchdog see: which callback runs, and how long it may. All copies
 * of this library in the thread store into the same words, because only one callback runs at a time.
 */

/** Of the words: the number and the kind of the callback that runs, 0 between callbacks. */
export const BEAT = 0;
/** Of the words: what holds for the callback that runs. */
export const BEAT_SETTINGS = 1;
export const BEAT_WORDS = 2;

/** What holds for the callbacks of a copy. */
export interface BeatSettings {
  /** Time that one callback may take: at most an hour, so that it fits the word. */
  readonly timeoutMs: number;
  /** A bite ends the task. */
  readonly panic: boolean;
}

export function packSettings({ timeoutMs, panic }: BeatSettings): number {
  return timeoutMs * 2 + (panic ? 1 : 0);
}

export function unpackSettings(word: number): BeatSettings {
  return { timeoutMs: word >>> 1, panic: (word & 1) !== 0 };
}
