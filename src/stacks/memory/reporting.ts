/**
 * Calls an end's events, one in each turn of the queue, so that microtasks run between two. The kinds of
 * events rotate, so that a busy kind does not keep the others waiting.
 */
import type { TurnQueue } from './turn-queue.js';

/** Returns the call of one kind's event if it is due. The call follows directly. */
export type EventSource = () => (() => void) | undefined;

export class Reporting {
  readonly #turns: TurnQueue;
  readonly #sources: EventSource[];
  #isScheduled = false;

  constructor(turns: TurnQueue, sources: readonly EventSource[]) {
    this.#turns = turns;
    this.#sources = [...sources];
  }

  /** Looks for a due event in the turn. Called after each change that may bring one. */
  look(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#turns.event(() => {
      this.#report();
    });
  }

  #report(): void {
    this.#isScheduled = false;
    for (const source of [...this.#sources]) {
      this.#sources.shift();
      this.#sources.push(source);
      const event = source();
      if (event === undefined) continue;
      // Before the call, which may throw: there may be further events.
      this.look();
      event();
      return;
    }
  }
}
