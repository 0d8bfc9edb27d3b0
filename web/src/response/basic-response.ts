/** An answer whose body is at hand: text or bytes. */
import type { ServerResponse } from 'node:http';
import { AsyncWebServerResponse } from './response.js';

export class AsyncBasicResponse extends AsyncWebServerResponse {
  readonly #content: string | Uint8Array;

  constructor(code: number, contentType = '', content: string | Uint8Array = '') {
    super(code, contentType, typeof content === 'string' ? Buffer.byteLength(content) : content.length);
    this.#content = content;
  }

  protected override sendBody(reply: ServerResponse): undefined {
    reply.end(this.#content);
  }
}
