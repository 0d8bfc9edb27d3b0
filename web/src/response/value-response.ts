/** Answers that encode a value: JSON and MessagePack. */
import type { ServerResponse } from 'node:http';
import { encode } from '@msgpack/msgpack';
import { AsyncWebServerResponse } from './response.js';

/** A value whose fields may be set until the answer is sent. */
abstract class ValueResponse<Root> extends AsyncWebServerResponse {
  #root: Root;
  #bytes: Uint8Array | undefined;

  constructor(contentType: string, root: Root) {
    super(200, contentType, undefined);
    this.#root = root;
  }

  /** Returns the value. */
  getRoot(): Root {
    return this.#root;
  }

  /** Sets the value. */
  setRoot(root: Root): this {
    this.#root = root;
    return this;
  }

  protected abstract encoded(root: Root): Uint8Array;

  override prepare(): void {
    this.#bytes = this.encoded(this.#root);
    this.setLength(this.#bytes.length);
  }

  protected override sendBody(reply: ServerResponse): undefined {
    reply.end(this.#bytes);
  }
}

export class AsyncJsonResponse<Root = Record<string, unknown>> extends ValueResponse<Root> {
  constructor(root: Root) {
    super('application/json', root);
  }

  protected override encoded(root: Root): Uint8Array {
    return Buffer.from(JSON.stringify(root));
  }
}

export class AsyncMessagePackResponse<Root = Record<string, unknown>> extends ValueResponse<Root> {
  constructor(root: Root) {
    super('application/msgpack', root);
  }

  protected override encoded(root: Root): Uint8Array {
    return encode(root);
  }
}
