/** A handler of requests whose body is a value: JSON or MessagePack. */
import { HttpError } from '../http-error.js';
import { answers, HTTP_DELETE, HTTP_GET, HTTP_HEAD, HTTP_PATCH, HTTP_POST, HTTP_PUT } from '../methods.js';
import { hasBody, isJson, jsonOf, mediaType, requireNoEncoding } from '../request/body.js';
import { decodeMessagePack } from '../request/message-pack.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncURIMatcher, type UriMatch } from '../uri-matcher.js';
import { AsyncWebHandler } from './handler.js';

/**
 * Answers a request.
 * @param json the value of the body, whose shape is not checked; `undefined` for GET, HEAD and DELETE without
 *   a body.
 */
export type ArJsonRequestHandlerFunction = (request: AsyncWebServerRequest, json: unknown) => unknown;

/** Methods whose requests need no body. */
const WITHOUT_BODY = HTTP_GET | HTTP_HEAD | HTTP_DELETE;

/** Types of MessagePack, the registered one first. */
const MESSAGE_PACK = /^application\/(?:vnd\.msgpack|msgpack|x-msgpack)$/;

/**
 * Answers 400 for a body that is not what its type says, 413 for one that is too long, and 415 for one of
 * another type.
 */
export class AsyncCallbackJsonWebHandler extends AsyncWebHandler {
  override readonly readsBody = true;
  readonly #uri: AsyncURIMatcher;
  #methods = HTTP_GET | HTTP_POST | HTTP_PUT | HTTP_PATCH;
  #onRequest: ArJsonRequestHandlerFunction | undefined;
  #maxBytes: number | undefined;

  /**
   * Makes a handler, for GET, POST, PUT and PATCH.
   * @param maxBytes bytes of a body. Default: the server's limit `bodyBytes`.
   */
  constructor(uri: string | AsyncURIMatcher, onRequest?: ArJsonRequestHandlerFunction, maxBytes?: number) {
    super();
    this.#uri = typeof uri === 'string' ? new AsyncURIMatcher(uri) : uri;
    this.#onRequest = onRequest;
    this.#maxBytes = maxBytes;
  }

  onRequest(handler: ArJsonRequestHandlerFunction): this {
    this.#onRequest = handler;
    return this;
  }

  /** Sets the methods, such as `HTTP_POST | HTTP_PUT`. */
  setMethod(methods: number): this {
    this.#methods = methods;
    return this;
  }

  /** Sets the bytes that a body may have. */
  setMaxContentLength(bytes: number): this {
    this.#maxBytes = bytes;
    return this;
  }

  override get methods(): number {
    return this.#methods;
  }

  override matches(request: AsyncWebServerRequest): UriMatch {
    return this.#uri.matches(request.url());
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(this.#methods, request.method());
  }

  override handleRequest(request: AsyncWebServerRequest): unknown {
    if (!hasBody(request.message) && (request.method() & WITHOUT_BODY) !== 0) {
      return this.#onRequest?.(request, undefined);
    }
    return this.#handleBody(request);
  }

  async #handleBody(request: AsyncWebServerRequest): Promise<void> {
    const isPacked = MESSAGE_PACK.test(mediaType(request));
    if (!isPacked && !isJson(request)) throw new HttpError(415);
    requireNoEncoding(request);
    const bytes = await request.bodyBytes(this.#maxBytes);
    const value = isPacked ? decodeMessagePack(bytes) : jsonOf(request, bytes);
    await this.#onRequest?.(request, value);
  }

  override route(): string {
    return this.#uri.toString();
  }
}
