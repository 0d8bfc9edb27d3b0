/** An answer that is a `Response` of the web. */
import type { ServerResponse } from 'node:http';
import { BodyPieces } from './body-pieces.js';
import { pump } from './pump.js';
import { AsyncWebServerResponse } from './response.js';

/** Headers about the connection: those are the server's own (RFC 9110 §7.6.1). */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export class AsyncFetchResponse extends AsyncWebServerResponse {
  readonly #body: BodyPieces | undefined;

  /** @throws TypeError for what is no response, and RangeError for one of an error or of another protocol. */
  constructor(response: Response) {
    if (!isResponse(response)) throw new TypeError('the function must return a Response');
    const { status, headers, body } = response;
    super(status, headers.get('content-type') ?? '', lengthOf(headers, body));
    this.#body = body === null ? undefined : new BodyPieces(body);
    for (const [name, value] of headers) {
      if (name === 'content-type' || name === 'content-length' || CONNECTION_HEADERS.has(name)) continue;
      this.addHeader(name, value, name !== 'set-cookie');
    }
  }

  protected override sendBody(reply: ServerResponse): Promise<void> | undefined {
    if (this.#body !== undefined) {
      return pump(reply, this.#body.pieces, this.contentLength(), this.#body.isEnded);
    }
    reply.end();
    return undefined;
  }

  override discard(): void {
    this.#body?.end();
  }
}

/** Other implementations of the web's classes are welcome. */
function isResponse(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'status' in value && 'headers' in value && 'body' in value
  );
}

function lengthOf(headers: Headers, body: unknown): number | undefined {
  const length = headers.get('content-length');
  if (length !== null && /^\d+$/.test(length)) return Number(length);
  return body === null ? 0 : undefined;
}
