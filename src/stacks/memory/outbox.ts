/**
 * The bytes that one end sends, in three states: enqueued, flushed (they wait for the link and for the other
 * end's window), and carried to the other end, whose acknowledgement is on its way back.
 *
 * Call order of a byte: `enqueue` → `flush` → `carry` → `takeAcked`.
 */
import { ByteQueue } from './byte-queue.js';

export class Outbox {
  readonly #queue = new ByteQueue();
  #enqueued = 0;
  #carried = 0;
  /** Flushed bytes have waited since the last `wasDrained`. */
  #hasWaited = false;

  /** Flushed bytes that are not carried yet. */
  get waiting(): number {
    return this.#queue.length - this.#enqueued;
  }

  /** Bytes that were taken and whose acknowledgement has not come. */
  get unacknowledged(): number {
    return this.#queue.length + this.#carried;
  }

  enqueue(bytes: Uint8Array, isCopied: boolean): void {
    this.#queue.push(isCopied ? new Uint8Array(bytes) : bytes);
    this.#enqueued += bytes.length;
  }

  flush(): void {
    this.#enqueued = 0;
  }

  /** Takes up to `most` flushed bytes; `undefined` if the memory of lent ones was transferred away. */
  carry(most: number): Uint8Array | undefined {
    const bytes = this.#queue.take(Math.min(most, this.waiting));
    this.#carried += bytes?.length ?? 0;
    this.#hasWaited ||= this.waiting > 0;
    return bytes;
  }

  /** Returns the bytes that are newly acknowledged. */
  takeAcked(): number {
    const acked = this.#carried;
    this.#carried = 0;
    return acked;
  }

  /** Returns true once after flushed bytes have waited and all of them were carried. */
  takeDrained(): boolean {
    const isDrained = this.#hasWaited && this.waiting === 0;
    if (isDrained) this.#hasWaited = false;
    return isDrained;
  }

  clear(): void {
    this.#queue.clear();
    this.#enqueued = this.#carried = 0;
    this.#hasWaited = false;
  }
}
