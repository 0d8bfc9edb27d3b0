/**
 * How much may be acknowledged before the event loop gets a turn. The kernel often takes a write at once,
 * `node:net` says so in the same turn, and the program answers with the next write: a reader that is fast
 * enough would hold the loop for ever, and with it timers, other connections and the peer's own FIN. Beyond
 * the budget an acknowledgement waits for the next turn.
 */

/** Bytes acknowledged in a turn, over all connections of a stack: two full send buffers. */
export const TURN_BYTES = 262_144;

export interface Accepting {
  /** Tells of what the kernel took. */
  tellAccepted(): void;
}

export class TurnBudget {
  readonly #post: (job: () => void) => void;
  #bytesLeft = TURN_BYTES;
  #waiting: Accepting[] = [];

  constructor(post: (job: () => void) => void) {
    this.#post = post;
  }

  /** Whether `bytes` may be told of now; when not, `connection` is asked to tell in the next turn. */
  spend(bytes: number, connection: Accepting): boolean {
    if (this.#bytesLeft > 0) {
      this.#bytesLeft -= bytes;
      return true;
    }
    this.#waiting.push(connection);
    if (this.#waiting.length === 1) this.#post(this.#nextTurn);
    return false;
  }

  readonly #nextTurn = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytesLeft = TURN_BYTES;
    for (const connection of waiting) connection.tellAccepted();
  };
}
