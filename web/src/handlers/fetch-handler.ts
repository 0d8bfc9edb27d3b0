/** A handler that is a function of the web's `Request` and `Response`, such as the `fetch` of a Hono app. */
import { HttpError } from '../http-error.js';
import type { Limits } from '../limits.js';
import { answers, HTTP_ANY } from '../methods.js';
import { fetchRequestOf } from '../request/fetch-request.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { AsyncFetchResponse } from '../response/fetch-response.js';
import { AsyncURIMatcher, type UriMatch } from '../uri-matcher.js';
import { AsyncWebHandler } from './handler.js';

/** Answers a request of the web. */
export type ArFetchFunction = (request: Request) => Response | Promise<Response>;

export class AsyncFetchWebHandler extends AsyncWebHandler {
  override readonly readsBody = true;
  override readonly methods: number;
  readonly #uri: AsyncURIMatcher;
  readonly #fetch: ArFetchFunction;
  readonly #limits: Limits;

  /** Made by `AsyncWebServer.onFetch`. */
  constructor(uri: string | AsyncURIMatcher, fetch: ArFetchFunction, limits: Limits, methods = HTTP_ANY) {
    super();
    this.#uri = typeof uri === 'string' ? new AsyncURIMatcher(uri) : uri;
    this.#fetch = fetch;
    this.#limits = limits;
    this.methods = methods;
  }

  override matches(request: AsyncWebServerRequest): UriMatch {
    return this.#uri.matches(request.url());
  }

  override answers(request: AsyncWebServerRequest): boolean {
    return answers(this.methods, request.method());
  }

  override async handleRequest(request: AsyncWebServerRequest): Promise<void> {
    const { request: asked, bodyError } = fetchRequestOf(request, this.#limits);
    const response = new AsyncFetchResponse(await this.#fetch(asked));
    const error = bodyError();
    if (error instanceof HttpError) {
      // The function may have caught it, and made an answer of its own.
      response.discard();
      throw error;
    }
    request.send(response);
  }

  override route(): string {
    return this.#uri.toString();
  }
}
