/** Hides headers of requests from handlers: all but some, or some. */
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';

/** Headers that say where the body ends, and what the connection is: the server reads them itself. */
const FRAMING = ['connection', 'content-length', 'expect', 'host', 'transfer-encoding', 'upgrade'];

/** Headers by which the server reads a body, and by which another protocol takes a connection over. */
const READ_BY_SERVER = /^(?:content-type|sec-websocket-.*)$/;

/**
 * Hides all headers but those that are kept, and those that the server needs to read a body. Authentication,
 * ranges and conditions have no effect behind it unless their headers are kept.
 */
export class AsyncHeaderFreeMiddleware implements AsyncMiddleware {
  readonly #kept = new Set<string>();

  /** Keeps the headers of a name. */
  keep(name: string): this {
    this.#kept.add(name.toLowerCase());
    return this;
  }

  /** Hides the headers of a name again. */
  unKeep(name: string): this {
    this.#kept.delete(name.toLowerCase());
    return this;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    for (const name of Object.keys(request.message.headers)) {
      const isKept = this.#kept.has(name) || FRAMING.includes(name) || READ_BY_SERVER.test(name);
      if (!isKept) request.removeHeader(name);
    }
    return next();
  }
}

/** Hides the headers that are named. */
export class AsyncHeaderFilterMiddleware implements AsyncMiddleware {
  readonly #hidden = new Set<string>();

  /**
   * Hides the headers of a name.
   * @throws RangeError for one that the server itself needs, such as `Content-Length`.
   */
  filter(name: string): this {
    if (FRAMING.includes(name.toLowerCase())) throw new RangeError(`the server needs ${name} itself`);
    this.#hidden.add(name.toLowerCase());
    return this;
  }

  /** Shows the headers of a name again. */
  unFilter(name: string): this {
    this.#hidden.delete(name.toLowerCase());
    return this;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    for (const name of this.#hidden) request.removeHeader(name);
    return next();
  }
}
