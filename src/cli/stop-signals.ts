/** Ctrl-C (SIGINT) and SIGTERM, one after the other, as promises. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export type StopSignal = (typeof SIGNALS)[number];

/** From the constructor on up to `end`, the two signals do not end the process by themselves. */
export class StopSignals {
  readonly #arrived: StopSignal[] = [];
  #waiting: ((signal: StopSignal) => void) | undefined;

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
  }

  /** The next signal that nobody was given yet. A later call replaces the one before. */
  next(): Promise<StopSignal> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#deliver();
    });
  }

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

/** 2 for SIGINT, 15 for SIGTERM. */
export function signalNumber(signal: StopSignal): number {
  return constants.signals[signal];
}
