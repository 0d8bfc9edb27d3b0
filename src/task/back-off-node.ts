/** The waits before the restarts of one task, which keep the process alive as the task itself does. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { systemClock, type Alarm } from '../support/clock.js';

/** The wait before the first restart; each further restart in a row waits twice as long as the one before. */
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** A task that ran this long begins with the first back-off again. */
const CALM_MS = 60_000;

/** Returns the milliseconds before the n-th restart in a row, from 1 on. */
export function backOffMs(restart: number): number {
  return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (restart - 1));
}

export class BackOff {
  #startedMs = 0;
  #inRow = 0;
  #keepsAlive = true;
  #alarm: Alarm | undefined;
  /** Keeps the process alive between two threads: an alarm keeps none. */
  #hold: MessagePort | undefined;

  /** Notes that a thread of the task is started now. */
  threadStarted(): void {
    this.#startedMs = systemClock.nowMs();
  }

  /** Milliseconds of the present wait, or of the last one. */
  get waitMs(): number {
    return backOffMs(this.#inRow);
  }

  /** Begins a wait, after the task's thread has ended. */
  begin(over: () => void): void {
    const nowMs = systemClock.nowMs();
    if (nowMs - this.#startedMs > CALM_MS) this.#inRow = 0;
    this.#inRow += 1;
    this.#hold = new MessageChannel().port1;
    if (this.#keepsAlive) this.#hold.ref();
    this.#alarm = systemClock.setAlarm(nowMs + this.waitMs, () => {
      this.#release();
      over();
    });
  }

  cancel(): void {
    this.#alarm?.cancel();
    this.#release();
  }

  setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    if (on) this.#hold?.ref();
    else this.#hold?.unref();
  }

  #release(): void {
    this.#hold?.close();
    this.#hold = undefined;
  }
}
