/**
 * The send budget of a stack (contract M4). Half of it is for the shares: bytes that each connection may have
 * unacknowledged in any case.
 */
export const SHARE_BYTES = 65_536;

export class SendShares {
  readonly #budgetBytes: number;
  /** Bytes of all connections beyond their shares. */
  #excess = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** Returns the bytes that a connection may take, beside those that it has unacknowledged. */
  spaceBeside(unacknowledged: number): number {
    const left = Math.max(0, this.#budgetBytes / 2 - this.#excess);
    return Math.max(SHARE_BYTES, unacknowledged) + Math.floor(left) - unacknowledged;
  }

  /** Notes by how much the excess of a connection has changed. */
  changed(bytes: number): void {
    this.#excess += bytes;
  }
}

/** Returns the bytes of a connection beyond its share. */
export function excessOf(unacknowledged: number): number {
  return Math.max(0, unacknowledged - SHARE_BYTES);
}
