/** Lets a request pass only if a function of the program says so: who may do what. */
import { HttpError } from '../http-error.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';

/** Returns true if a request may pass. */
export type ArAuthorizeFunction = (request: AsyncWebServerRequest) => boolean | Promise<boolean>;

export class AsyncAuthorizationMiddleware implements AsyncMiddleware {
  readonly #code: number;
  readonly #isAllowed: ArAuthorizeFunction;

  constructor(isAllowed: ArAuthorizeFunction);
  /** @param code status for a request that may not pass. Default: 403. */
  constructor(code: number, isAllowed: ArAuthorizeFunction);
  constructor(first: number | ArAuthorizeFunction, second?: ArAuthorizeFunction) {
    const isAllowed = typeof first === 'function' ? first : second;
    if (isAllowed === undefined) throw new TypeError('a function must be given');
    this.#code = typeof first === 'number' ? first : 403;
    this.#isAllowed = isAllowed;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    const allowed = this.#isAllowed(request);
    if (typeof allowed === 'boolean') return this.#proceed(allowed, next);
    return allowed.then((isAllowed) => this.#proceed(isAllowed, next));
  }

  #proceed(isAllowed: boolean, next: ArMiddlewareNext): Promise<void> | undefined {
    if (!isAllowed) throw new HttpError(this.#code);
    return next();
  }
}
