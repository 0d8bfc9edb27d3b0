/**
 * Lets a client make a number of requests in a time: it may make all of them at once, and gets them back one
 * by one, evenly over the time. A client is an IPv4 address or an IPv6 network of 64 bits.
 */
import { AsyncBasicResponse } from '../response/basic-response.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';
import { networkOf } from './network.js';

const TOO_MANY = 429;

export class AsyncRateLimitMiddleware implements AsyncMiddleware {
  #maxRequests = 60;
  #windowMs = 60_000;
  readonly #nowMs: () => number;
  /** The time at which a client will have all its requests back; the client that was quiet longest first. */
  readonly #fullAtMs = new Map<string, number>();

  /** @param nowMs a clock that never goes back, in milliseconds. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Sets the requests that a client may make within the window. Default: 60. */
  setMaxRequests(count: number): this {
    if (!(Number.isInteger(count) && count > 0))
      throw new RangeError(`count must be a whole number above 0; it is ${count}`);
    this.#maxRequests = count;
    return this;
  }

  /** Sets the window, in seconds. Default: 60. */
  setWindowSize(seconds: number): this {
    if (!(seconds > 0 && seconds < Number.POSITIVE_INFINITY))
      throw new RangeError(`seconds must be above 0; they are ${seconds}`);
    this.#windowMs = seconds * 1000;
    return this;
  }

  /**
   * Counts a request of a client. Returns the seconds after which it may make another one; 0 if it may make
   * this one.
   * @param client what tells clients apart.
   * @param most clients that are remembered.
   */
  take(client: string, most: number): number {
    const now = this.#nowMs();
    const perRequestMs = this.#windowMs / this.#maxRequests;
    const fullAt = Math.max(this.#fullAtMs.get(client) ?? 0, now) + perRequestMs;
    const waitMs = fullAt - now - this.#windowMs;
    // A millionth of a request may be missing: sums of fractions are not exact.
    if (waitMs > perRequestMs / 1e6) return Math.max(1, Math.ceil(waitMs / 1000));
    this.#fullAtMs.delete(client);
    this.#fullAtMs.set(client, fullAt);
    const [quietest] = this.#fullAtMs.keys();
    if (this.#fullAtMs.size > most && quietest !== undefined) this.#fullAtMs.delete(quietest);
    return 0;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    const address = request.message.socket.remoteAddress ?? '';
    const retryAfterS = this.take(networkOf(address), request.limits.rateClients);
    if (retryAfterS === 0) return next();
    const response = new AsyncBasicResponse(TOO_MANY, 'text/plain', 'Too Many Requests');
    request.send(response.addHeader('Retry-After', retryAfterS));
    return undefined;
  }
}
