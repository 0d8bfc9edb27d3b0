/** A handler made of callbacks: `server.on`. */
import { answers } from '../methods.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncURIMatcher, type UriMatch } from '../uri-matcher.js';
import { AsyncWebHandler } from './handler.js';

/** Answers a request, now or later. */
export type ArRequestHandlerFunction = (request: AsyncWebServerRequest) => unknown;

/**
 * Takes a piece of an uploaded file.
 * @param filename name of the file as the client says it: not safe as a path.
 * @param index bytes of the file before this piece.
 * @param final true for the last piece, which may be empty.
 */
export type ArUploadHandlerFunction = (
  request: AsyncWebServerRequest,
  filename: string,
  index: number,
  data: Uint8Array,
  final: boolean,
) => unknown;

/**
 * Takes a piece of a body that is no form.
 * @param index bytes of the body before this piece.
 * @param total bytes of the whole body; 0 if it is chunked.
 */
export type ArBodyHandlerFunction = (
  request: AsyncWebServerRequest,
  data: Uint8Array,
  index: number,
  total: number,
) => unknown;

export class AsyncCallbackWebHandler extends AsyncWebHandler {
  readonly #uri: AsyncURIMatcher;
  readonly methods: number;
  #onRequest: ArRequestHandlerFunction | undefined;

  constructor(uri: string | AsyncURIMatcher, methods: number, onRequest?: ArRequestHandlerFunction) {
    super();
    this.#uri = typeof uri === 'string' ? new AsyncURIMatcher(uri) : uri;
    this.methods = methods;
    this.#onRequest = onRequest;
  }

  onRequest(handler: ArRequestHandlerFunction): this {
    this.#onRequest = handler;
    return this;
  }

  onUpload(handler: ArUploadHandlerFunction | undefined): this {
    if (handler === undefined) delete this.handleUpload;
    else this.handleUpload = handler;
    return this;
  }

  onBody(handler: ArBodyHandlerFunction | undefined): this {
    if (handler === undefined) delete this.handleBody;
    else this.handleBody = handler;
    return this;
  }

  override matches(request: AsyncWebServerRequest): UriMatch {
    return this.#uri.matches(request.url());
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(this.methods, request.method());
  }

  override handleRequest(request: AsyncWebServerRequest): unknown {
    return this.#onRequest?.(request);
  }

  override route(): string {
    return this.#uri.toString();
  }
}
