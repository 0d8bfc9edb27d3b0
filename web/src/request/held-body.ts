/**
 * A body that is kept in memory. Its pieces are copied: a piece of one byte would hold its object, and what
 * the socket has read with it.
 */
import type { AsyncWebServerRequest } from './request.js';

export class HeldBody {
  readonly #request: AsyncWebServerRequest;
  #bytes = Buffer.alloc(0);
  #length = 0;

  constructor(request: AsyncWebServerRequest) {
    this.#request = request;
  }

  /** @throws HttpError as `AsyncWebServerRequest.hold`. */
  add(piece: Buffer): void {
    this.#request.hold(piece.length);
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
