/** Functions that run before a handler, and before the body of the request is read. */
import type { AsyncWebServerRequest } from '../request/request.js';

/** Runs what comes next: further middleware, or the handler. Returns a promise if that is not done yet. */
export type ArMiddlewareNext = () => Promise<void> | undefined;

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- a function may return nothing.
type MaybePromise = Promise<void> | undefined | void;

/** Middleware as an object, with settings of its own. */
export interface AsyncMiddleware {
  /**
   * Answers the request, or calls `next`; may change the answer behind it. The answer leaves when the
   * promise is fulfilled.
   */
  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): MaybePromise;
}

/** Middleware as a function. */
export type ArMiddlewareCallback = (request: AsyncWebServerRequest, next: ArMiddlewareNext) => MaybePromise;

/** Middleware in the order in which it runs. */
export class AsyncMiddlewareChain {
  readonly #list: {
    readonly run: ArMiddlewareCallback;
    readonly given: AsyncMiddleware | ArMiddlewareCallback;
  }[] = [];

  /** Adds middleware at the end. */
  addMiddleware(...middleware: (AsyncMiddleware | ArMiddlewareCallback)[]): this {
    for (const given of middleware) {
      const run: ArMiddlewareCallback =
        typeof given === 'function' ? given : (request, next) => given.run(request, next);
      this.#list.push({ run, given });
    }
    return this;
  }

  /** Removes middleware. Returns true if it was there. */
  removeMiddleware(middleware: AsyncMiddleware | ArMiddlewareCallback): boolean {
    const at = this.#list.findIndex(({ given }) => given === middleware);
    return at >= 0 && this.#list.splice(at, 1).length > 0;
  }

  get hasMiddleware(): boolean {
    return this.#list.length > 0;
  }

  /** Runs the middleware from place `from` on, and `last` behind it. */
  runChain(request: AsyncWebServerRequest, last: ArMiddlewareNext, from = 0): Promise<void> | undefined {
    const next = this.#list[from];
    if (next === undefined) return last();
    let isCalled = false;
    const returned = next.run(request, () => {
      if (isCalled) throw new Error('middleware calls next once');
      isCalled = true;
      return this.runChain(request, last, from + 1);
    });
    return returned ?? undefined;
  }
}
