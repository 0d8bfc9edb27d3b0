/** Turns Ctrl-C (SIGINT) and SIGTERM into promises. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export type StopSignal = (typeof SIGNALS)[number];

/** Queues the two signals, which do not end the process between the constructor and `end`. */
export class StopSignals {
  readonly #arrived: StopSignal[] = [];
  #waiting: ((signal: StopSignal) => void) | undefined;

  constructor() {
    this.begin();
  }

  /** Queues the signals again after `end`. */
  begin(): void {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /**
   * Resolves with the next signal that no earlier call has returned. A later call replaces one that waits.
   */
  next(): Promise<StopSignal> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#deliver();
    });
  }

  /** Gives the signals their usual effect again. */
  end(): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#arrived.push(signal === 'SIGTERM' ? signal : 'SIGINT');
    this.#deliver();
  };

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const signal = this.#arrived.shift();
    if (signal === undefined) return;
    this.#waiting = undefined;
    waiting(signal);
  }
}

/** Returns the number of a signal: 2 for SIGINT, 15 for SIGTERM. */
export function signalNumber(signal: StopSignal): number {
  return constants.signals[signal];
}
