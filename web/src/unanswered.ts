/** The requests whose handler has not answered yet, oldest first, and the time that each of them has. */
import type { AsyncWebServerRequest } from './request/request.js';

/** Part of the time after which the oldest requests are looked at again. */
const LOOKS = 10;
const MOST_LOOK_MS = 1000;

export class Unanswered {
  readonly #since = new Map<AsyncWebServerRequest, number>();
  readonly #answerMs: number;
  readonly #onLate: (request: AsyncWebServerRequest) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLate called for a request that has waited `answerMs`; not in a pause, or while a body comes. */
  constructor(answerMs: number, onLate: (request: AsyncWebServerRequest) => void) {
    this.#answerMs = answerMs;
    this.#onLate = onLate;
  }

  add(request: AsyncWebServerRequest): void {
    this.#since.set(request, performance.now());
    this.#timer ??= setInterval(
      () => {
        this.#look();
      },
      Math.min(MOST_LOOK_MS, this.#answerMs / LOOKS),
    ).unref();
  }

  /** Gives a request its time anew. */
  restart(request: AsyncWebServerRequest): void {
    if (this.#since.delete(request)) this.#since.set(request, performance.now());
  }

  delete(request: AsyncWebServerRequest): void {
    if (!this.#since.delete(request) || this.#since.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const before = performance.now() - this.#answerMs;
    for (const [request, since] of this.#since) {
      if (since > before) return;
      if (request.isPaused()) continue;
      if (request.isReadingBody()) this.restart(request);
      else this.#onLate(request);
    }
  }
}
