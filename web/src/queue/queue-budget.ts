/**
 * The bytes that wait for all clients of a server together. A client may always have `SHARE_BYTES`, or one
 * message; what it has beyond them is its excess, and all excess together is bounded. One client's excess is
 * at most what is still free: few slow clients may have much, many have little, and something is left for a
 * client that is slow for a moment only. (This is the dynamic threshold of Choudhury and Hahne, 1998.)
 */
import assert from 'node:assert/strict';

/** Bytes of each client that are no excess. */
export const SHARE_BYTES = 16_384;

/** Returns the excess of a client. */
export function excessOf(messages: number, bytes: number): number {
  return messages <= 1 ? 0 : Math.max(0, bytes - SHARE_BYTES);
}

export class QueueBudget {
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Excess of all clients, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns true if the excess of a client may become as much. */
  allows(excess: number): boolean {
    return excess === 0 || this.#bytes + excess <= this.#mostBytes;
  }

  /** Notes a change of a client's excess. */
  change(bytes: number): void {
    this.#bytes += bytes;
    assert(this.#bytes >= 0, 'no more is given back than was taken');
  }
}
