/**
 * The bytes that one end sends, in three states: enqueued; flushed, when they wait for the link and for the
 * other end's window; and transmitted, when the other end's acknowledgement is on its way back.
 *
 * Call order of a byte: `enqueue` → `flush` → `transmit` → `takeAcked`.
 */
import { ByteQueue } from './byte-queue.js';
import type { Machine } from './machine.js';

export class Outbox {
  readonly #machine: Machine;
  readonly #queue = new ByteQueue();
  #enqueued = 0;
  #transmitted = 0;
  /** True if flushed bytes have waited since the last `takeDrained`. */
  #hasWaited = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Bytes that `enqueue` can take. */
  get space(): number {
    return Math.max(0, this.#machine.capacity(this.unacknowledged) - this.unacknowledged);
  }

  /** Flushed bytes that are not transmitted yet. */
  get waiting(): number {
    return this.#queue.length - this.#enqueued;
  }

  /** Bytes that were taken and whose acknowledgement has not come. */
  get unacknowledged(): number {
    return this.#queue.length + this.#transmitted;
  }

  enqueue(bytes: Uint8Array, isCopied: boolean): void {
    const before = this.unacknowledged;
    this.#queue.push(isCopied ? new Uint8Array(bytes) : bytes);
    this.#enqueued += bytes.length;
    this.#machine.changed(before, this.unacknowledged);
  }

  flush(): void {
    this.#enqueued = 0;
  }

  /** Takes up to `most` flushed bytes; `undefined` if the memory of lent ones was transferred away. */
  transmit(most: number): Uint8Array | undefined {
    const bytes = this.#queue.take(Math.min(most, this.waiting));
    this.#transmitted += bytes?.length ?? 0;
    this.#hasWaited ||= this.waiting > 0;
    return bytes;
  }

  /** Returns the bytes that are newly acknowledged. */
  takeAcked(): number {
    const before = this.unacknowledged;
    this.#transmitted = 0;
    this.#machine.changed(before, this.unacknowledged);
    return before - this.unacknowledged;
  }

  /** Returns true once after flushed bytes have waited and all of them were transmitted. */
  takeDrained(): boolean {
    const isDrained = this.#hasWaited && this.waiting === 0;
    if (isDrained) this.#hasWaited = false;
    return isDrained;
  }

  clear(): void {
    this.#machine.changed(this.unacknowledged, 0);
    this.#queue.clear();
    this.#enqueued = this.#transmitted = 0;
    this.#hasWaited = false;
  }
}
