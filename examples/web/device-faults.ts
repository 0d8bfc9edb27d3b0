/** Faults on demand, for the device twin: middleware that lets a request pass, holds it up, or fails it. */
import { setTimeout } from 'node:timers/promises';
import {
  AsyncBasicResponse,
  HttpError,
  type ArMiddlewareNext,
  type AsyncMiddleware,
  type AsyncWebServerRequest,
} from 'asynctcp-web';

const KINDS = ['none', 'slow', 'unavailable', 'reset'] as const;

const MOST_MS = 60_000;

export class DeviceFaults implements AsyncMiddleware {
  #kind: (typeof KINDS)[number] = 'none';
  #ms = 0;
  /** Ends the waits of slow requests. */
  #change = new AbortController();

  /**
   * Sets the fault of all further requests, such as `{ kind: 'slow', ms: 500 }`. Requests that are held up
   * go on.
   * @throws HttpError with 422 for what is no fault.
   */
  set(fault: unknown): void {
    if (typeof fault !== 'object' || fault === null) throw new HttpError(422, 'a fault is an object');
    const { kind, ms = 1000 }: { kind?: unknown; ms?: unknown } = fault;
    const known = KINDS.find((name) => name === kind);
    if (known === undefined) throw new HttpError(422, `kind is one of ${KINDS.join(', ')}`);
    this.#ms = milliseconds(ms);
    this.#kind = known;
    this.#change.abort();
    this.#change = new AbortController();
  }

  async run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> {
    switch (this.#kind) {
      case 'none':
        return next();
      case 'slow':
        await this.#wait(request.signal);
        return request.isGone() ? undefined : next();
      case 'unavailable':
        request.send(new AsyncBasicResponse(503, 'text/plain', 'busy').addHeader('Retry-After', 1));
        return;
      case 'reset':
        request.client()?.abort();
        return;
    }
  }

  /** Waits for the time of the fault, or until the fault is another one or the client has gone. */
  async #wait(gone: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([gone, this.#change.signal]);
    try {
      await setTimeout(this.#ms, undefined, { signal });
    } catch {
      // It has been ended.
    }
  }
}

/** Returns a time of a fault. @throws HttpError with 422 for another value. */
export function milliseconds(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= MOST_MS) return value;
  throw new HttpError(422, `ms is a number from 0 to ${MOST_MS}`);
}
