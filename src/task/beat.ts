/**
 * The memory that a watched thread shares with its watchdog: the callback that runs, and the time that it
 * may take. All copies of this library in the thread store into the same words, because only one callback
 * runs at a time.
 */

/** Index of the beat: number and kind of the callback that runs, 0 between callbacks. */
export const BEAT = 0;
/** Index of the packed settings of the callback that runs. */
export const BEAT_SETTINGS = 1;
export const BEAT_WORDS = 2;

/** The watchdog's settings for the callbacks of one copy of this library. */
export interface BeatSettings {
  /** Milliseconds that one callback may take: at most an hour, so that the word can hold them. */
  readonly timeoutMs: number;
  /** True if a bite ends the task. */
  readonly panic: boolean;
}

export function packSettings({ timeoutMs, panic }: BeatSettings): number {
  return timeoutMs * 2 + (panic ? 1 : 0);
}

export function unpackSettings(word: number): BeatSettings {
  return { timeoutMs: word >>> 1, panic: (word & 1) !== 0 };
}
