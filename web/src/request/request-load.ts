/**
 * Places and memory that the requests of a server share. A request counts from its head until its answer
 * begins to leave, except while its body is read: how long body and answer take is the client's choice. Bytes
 * of a body that are kept count until the request is over.
 */
import type { Limits } from '../limits.js';

export class RequestLoad {
  readonly #limits: Limits;
  #requests = 0;
  #heldBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Returns true if no further request has a place. */
  isFull(): boolean {
    return this.#requests >= this.#limits.requests;
  }

  /** Counts a request. */
  enter(): void {
    this.#requests += 1;
  }

  /** Counts a request no more. */
  leave(): void {
    this.#requests -= 1;
  }

  /** Counts bytes of a body. Returns false if there are too many; they are counted all the same. */
  hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes <= this.#limits.heldBytes;
  }

  /** Counts bytes of a body no more. */
  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}
