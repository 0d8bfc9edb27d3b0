/** A promise of one wait. The wait ends from outside, or by its AbortSignal. */
import { ticksCaused } from '../support/callback-scope.js';

export class Wait<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  /** @param onAbort is called when the signal, which is not aborted yet, is aborted: it ends the wait. */
  constructor(signal: AbortSignal | undefined, onAbort: () => void) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    this.#onAbort = onAbort;
    signal?.addEventListener('abort', onAbort, { once: true });
  }

  resolve(value: T): void {
    this.#end();
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    this.#end();
    this.#reject(reason);
  }

  #end(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    ticksCaused();
  }
}
