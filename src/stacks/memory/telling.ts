/**
 * When an end tells its program something: one event for each time that the turn comes to it, so that
 * microtasks run between two. Its kinds of events take turns, so that none keeps the others from being told.
 */
import type { TurnQueue } from './turn-queue.js';

/** Returns the event of one kind that is due now. It is called directly afterwards. */
export type Teller = () => (() => void) | undefined;

export class Telling {
  readonly #turns: TurnQueue;
  readonly #tellers: Teller[];
  #isDue = false;

  constructor(turns: TurnQueue, tellers: readonly Teller[]) {
    this.#turns = turns;
    this.#tellers = [...tellers];
  }

  /** Something may have to be told: the next turn asks. */
  look(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#turns.event(() => {
      this.#tell();
    });
  }

  #tell(): void {
    this.#isDue = false;
    for (const teller of [...this.#tellers]) {
      this.#tellers.shift();
      this.#tellers.push(teller);
      const event = teller();
      if (event === undefined) continue;
      // There may be more, also if the event throws.
      this.look();
      event();
      return;
    }
  }
}
