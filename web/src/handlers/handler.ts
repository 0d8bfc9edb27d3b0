/** The base of every handler: handlers answer requests. */
import type { Socket } from 'node:net';
import { AsyncAuthType } from '../auth/auth-type.js';
import { AsyncAuthenticationMiddleware } from '../middleware/authentication.js';
import { AsyncMiddlewareChain } from '../middleware/middleware.js';
import type { BodySinks } from '../request/body-sinks.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { UriMatch } from '../uri-matcher.js';

/** Decides by the head of a request. */
export type ArRequestFilterFunction = (request: AsyncWebServerRequest) => boolean;

export abstract class AsyncWebHandler extends AsyncMiddlewareChain implements BodySinks {
  #filter: ArRequestFilterFunction | undefined;
  #authentication: AsyncAuthenticationMiddleware | undefined;

  /** Answers only requests for which `filter` returns true. */
  setFilter(filter: ArRequestFilterFunction | undefined): this {
    this.#filter = filter;
    return this;
  }

  /**
   * Answers only requests whose client proves that it knows a name and password: middleware behind what was
   * added before, in place of what an earlier call added.
   */
  setAuthentication(
    username: string,
    password: string,
    type: AsyncAuthType = AsyncAuthType.AUTH_DIGEST,
  ): this {
    if (this.#authentication !== undefined) this.removeMiddleware(this.#authentication);
    this.#authentication = new AsyncAuthenticationMiddleware()
      .setAuthType(type)
      .setUsername(username)
      .setPassword(password);
    return this.addMiddleware(this.#authentication);
  }

  /** Returns true if the filter lets a request pass. */
  filter(request: AsyncWebServerRequest): boolean {
    return this.#filter === undefined || this.#filter(request);
  }

  /** Returns true if the handler answers a request. */
  canHandle(request: AsyncWebServerRequest): boolean {
    return this.matches(request) !== false && this.answers(request) && this.filter(request);
  }

  /** Returns true, or the groups of its matcher, if the handler answers the request's path. */
  abstract matches(request: AsyncWebServerRequest): UriMatch;

  /** Methods that the handler answers. */
  abstract readonly methods: number;

  /** Returns true if the handler answers the request's method, and its kind. */
  abstract answers(request: AsyncWebServerRequest): boolean;

  /**
   * Returns true if the handler has what the request asks for; otherwise the next handler is asked. Called
   * behind the server's middleware, for a handler whose answer `matches` cannot know at once.
   */
  holds?(request: AsyncWebServerRequest): boolean | Promise<boolean>;

  /** Answers a request, now or later. */
  abstract handleRequest(request: AsyncWebServerRequest): unknown;

  /** True for a handler that reads the body itself. */
  readonly readsBody: boolean = false;

  handleUpload?(
    request: AsyncWebServerRequest,
    filename: string,
    index: number,
    data: Uint8Array,
    final: boolean,
  ): unknown;

  handleBody?(request: AsyncWebServerRequest, data: Uint8Array, index: number, total: number): unknown;

  /**
   * Answers a request to change the protocol: sends an answer, which ends the connection, or calls
   * `request.upgraded` and takes it over.
   * @param head bytes of the other protocol that came with the request.
   */
  handleUpgrade?(request: AsyncWebServerRequest, socket: Socket, head: Buffer): unknown;

  /** Returns the pattern of its path, as a log names the route. */
  abstract route(): string;
}
