/** The messages that wait for all clients of a server together. */
import assert from 'node:assert/strict';

export class QueueBudget {
  readonly #mostMessages: number;
  readonly #mostBytes: number;
  #messages = 0;
  #bytes = 0;

  constructor(mostMessages: number, mostBytes: number) {
    this.#mostMessages = mostMessages;
    this.#mostBytes = mostBytes;
  }

  /** Number of messages that wait. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns true if there is space for as much. */
  has(messages: number, bytes: number): boolean {
    return this.#messages + messages <= this.#mostMessages && this.#bytes + bytes <= this.#mostBytes;
  }

  take(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  give(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    assert(this.#messages >= 0 && this.#bytes >= 0, 'no more is given back than was taken');
  }
}
