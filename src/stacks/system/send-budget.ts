/**
 * Bound of the bytes that all connections of a thread have unacknowledged together. Linux lets the send
 * buffer of each connection grow to megabytes: a crowd of peers that do not read could pin the machine's
 * memory.
 *
 * Every connection may have `SHARE_BYTES`. The bytes beyond them are its excess. All excess together is
 * bounded by half of the budget; the other half is for the shares. While little excess is in use, a
 * connection may have its whole send buffer. Later its excess may be at most the bytes that its peer has
 * acknowledged beyond `UNREAD_BYTES`, and at most half of the excess that is left: the excess of a peer that
 * reads doubles with each round trip, as in slow start (RFC 5681 §3.1), and a peer that does not read stays
 * at its share.
 */

/** Bytes that each connection may have, also when the budget is used up. */
export const SHARE_BYTES = 65_536;

/**
 * Excess that is reserved for a connection whose peer acknowledges quickly, while little excess is in use. Up
 * to its share plus this credit, the connection need not ask the system for acknowledgements: that saves a
 * system call for each share that it sends.
 */
export const CREDIT_BYTES = 3 * SHARE_BYTES;

/**
 * Bytes that a peer's TCP acknowledges although its program reads nothing: twice Linux's first receive buffer
 * (131072, `tcp_rmem`), which grows only for programs that read.
 */
export const UNREAD_BYTES = 262_144;

/** Part of the budget that is for excess; the rest is for the shares. */
const EXCESS_PART = 1 / 2;
/** Part of all excess: while no more is in use, a connection may have as much. */
const LOW_USE_PART = 1 / 4;
/** Part of all excess: while no more is in use, credit is lent. */
const CREDIT_PART = 1 / 8;
/** Part of the excess that is left which one connection may have. */
const PART_OF_LEFT = 1 / 2;

export class SendBudget {
  readonly budgetBytes: number;
  readonly #mostExcess: number;
  #excess = 0;

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
    this.#mostExcess = Math.floor(budgetBytes * EXCESS_PART);
  }

  /** Bytes of all connections beyond their shares. */
  get excessBytes(): number {
    return this.#excess;
  }

  /**
   * Counts a connection's unacknowledged bytes; needless while they are within its share.
   * @param shareBytes the connection's share, together with its credit.
   */
  changed(before: number, after: number, shareBytes = SHARE_BYTES): void {
    this.#excess += Math.max(0, after - shareBytes) - Math.max(0, before - shareBytes);
  }

  /** Reserves `CREDIT_BYTES` of excess. Returns false if `CREDIT_PART` of all excess is in use. */
  lendCredit(): boolean {
    if (this.#excess + CREDIT_BYTES > this.#mostExcess * CREDIT_PART) return false;
    this.#excess += CREDIT_BYTES;
    return true;
  }

  returnCredit(): void {
    this.#excess -= CREDIT_BYTES;
  }

  /**
   * Returns the bytes that a connection may have unacknowledged, at most `sendBufferBytes`.
   * @param ackedBytes bytes that the connection's peer has acknowledged so far.
   */
  capacity(sendBufferBytes: number, ackedBytes: number): number {
    const lowUse = this.#mostExcess * LOW_USE_PART;
    const left = Math.max(0, this.#mostExcess - this.#excess);
    const read = Math.max(0, ackedBytes - UNREAD_BYTES);
    const excess = this.#excess <= lowUse ? lowUse : Math.min(read, left * PART_OF_LEFT);
    return Math.min(sendBufferBytes, SHARE_BYTES + Math.floor(excess));
  }
}

const budgets = new Map<number, SendBudget>();

/** Returns the budget of this thread that all stacks with the same number of bytes share. */
export function budgetOfThread(budgetBytes: number): SendBudget {
  let budget = budgets.get(budgetBytes);
  if (budget === undefined) {
    budget = new SendBudget(budgetBytes);
    budgets.set(budgetBytes, budget);
  }
  return budget;
}
