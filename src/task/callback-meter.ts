/** Counts and times callbacks by kind, for diagnostics. */
import type { Clock } from '../support/clock.js';
import { CALLBACK_NAMES, type CallbackKind, type CallbackName } from './callback-kind.js';

/** The cost of one kind of callback so far. */
export interface CallbackFigures {
  /** Callbacks that returned. */
  readonly count: number;
  /** Milliseconds of the longest one. */
  readonly longestMs: number;
  /** Callbacks that took more than a tenth of the watchdog's time. */
  readonly slow: number;
}

export class CallbackMeter {
  readonly #clock: Clock;
  readonly #slowMs: number;
  readonly #count = new Float64Array(CALLBACK_NAMES.length + 1);
  readonly #longestMs = new Float64Array(CALLBACK_NAMES.length + 1);
  readonly #slow = new Float64Array(CALLBACK_NAMES.length + 1);
  readonly #beganMs = new Float64Array(1);

  /** @param slowMs milliseconds; a callback that takes longer is slow. */
  constructor(clock: Clock, slowMs: number) {
    this.#clock = clock;
    this.#slowMs = slowMs;
  }

  began(): void {
    this.#beganMs[0] = this.#clock.nowMs();
  }

  ended(kind: CallbackKind): void {
    const tookMs = this.#clock.nowMs() - (this.#beganMs[0] ?? 0);
    this.#count[kind] = (this.#count[kind] ?? 0) + 1;
    if (tookMs > (this.#longestMs[kind] ?? 0)) this.#longestMs[kind] = tookMs;
    if (tookMs > this.#slowMs) this.#slow[kind] = (this.#slow[kind] ?? 0) + 1;
  }

  figures(): Record<CallbackName, CallbackFigures> {
    const entries = CALLBACK_NAMES.map((name, index): [CallbackName, CallbackFigures] => {
      const kind = index + 1;
      const [count = 0, longestMs = 0, slow = 0] = [this.#count, this.#longestMs, this.#slow].map(
        (values) => values[kind],
      );
      return [name, { count, longestMs, slow }];
    });
    return Object.fromEntries(entries) as Record<CallbackName, CallbackFigures>;
  }
}
