/**
 * The bytes of one connection that the peer has not acknowledged, and the bytes that the connection may still
 * send: its share of the thread's send budget, with the credit of a peer that acknowledges quickly.
 */
import { assert } from '../../support/assert.js';
import { CREDIT_BYTES, SHARE_BYTES, type SendBudget } from '../system/send-budget.js';

export class SendShare {
  readonly #budget: SendBudget;
  readonly #sendBufferBytes: number;
  /** Bytes that were enqueued and are not known to be acknowledged. */
  #outstanding = 0;
  /** Bytes that the peer has acknowledged. */
  #acked = 0;
  /** Bytes that may be outstanding without a look at the kernel and the budget. */
  #shareBytes = SHARE_BYTES;

  constructor(budget: SendBudget, sendBufferBytes: number) {
    this.#budget = budget;
    this.#sendBufferBytes = sendBufferBytes;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get acked(): number {
    return this.#acked;
  }

  /**
   * Returns true if there is space for `bytes`, as far as is known without a system call. May be false
   * although there is space.
   */
  hasRoomFor(bytes: number): boolean {
    const known = this.#outstanding + bytes;
    return known <= this.#shareBytes && known <= this.#sendBufferBytes;
  }

  /** Returns the bytes that there is space for. */
  space(): number {
    const capacity = this.#budget.capacity(this.#sendBufferBytes, this.#acked);
    return Math.max(0, capacity - this.#outstanding);
  }

  enqueued(bytes: number): void {
    this.#change(bytes);
  }

  acknowledged(bytes: number): void {
    this.#change(-bytes);
    this.#acked += bytes;
    assert(this.#outstanding >= 0, 'no more is acknowledged than was sent');
  }

  /** Gives or takes credit, directly after the kernel was asked for acknowledgements. */
  adjustCredit(): void {
    if (this.#shareBytes > SHARE_BYTES) {
      if (this.#outstanding > SHARE_BYTES) this.#returnCredit();
    } else if (this.#outstanding === 0 && this.#budget.lendCredit()) {
      this.#shareBytes = SHARE_BYTES + CREDIT_BYTES;
    }
  }

  /** Returns the bytes and the credit to the budget: the connection is over. */
  end(): void {
    this.#change(-this.#outstanding);
    this.#returnCredit();
  }

  #returnCredit(): void {
    if (this.#shareBytes === SHARE_BYTES) return;
    const outstanding = this.#outstanding;
    this.#change(-outstanding);
    this.#shareBytes = SHARE_BYTES;
    this.#budget.returnCredit();
    this.#change(outstanding);
  }

  #change(bytes: number): void {
    const before = this.#outstanding;
    this.#outstanding = before + bytes;
    if (before > this.#shareBytes || this.#outstanding > this.#shareBytes) {
      this.#budget.changed(before, this.#outstanding, this.#shareBytes);
    }
  }
}
