/** Another path for a request, before a handler is looked for. */
import type { ArRequestFilterFunction } from './handlers/handler.js';
import type { AsyncWebServerRequest } from './request/request.js';
import { parseTarget, type Target } from './request/target.js';

export class AsyncWebRewrite {
  readonly #from: string;
  readonly #to: Target;
  #filter: ArRequestFilterFunction | undefined;

  /**
   * Makes a rewrite of one path.
   * @param to path, and a query if it shall have one: that one comes before the request's own.
   */
  constructor(from: string, to: string) {
    const target = parseTarget(to);
    if (target === undefined)
      throw new RangeError(`to must be a path, such as /index.html?page=1; it is ${to}`);
    this.#from = from;
    this.#to = target;
  }

  /** Rewrites only requests for which `filter` returns true. */
  setFilter(filter: ArRequestFilterFunction | undefined): this {
    this.#filter = filter;
    return this;
  }

  from(): string {
    return this.#from;
  }

  toUrl(): string {
    return this.#to.path;
  }

  match(request: AsyncWebServerRequest): boolean {
    return request.url() === this.#from && (this.#filter === undefined || this.#filter(request));
  }

  /** Rewrites a request. */
  apply(request: AsyncWebServerRequest): void {
    const query = [this.#to.query, request.query()].filter((part) => part !== '').join('&');
    request.rewrite({ ...this.#to, query });
  }
}
