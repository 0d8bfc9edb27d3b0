/** The timers that `setTimeout` and its like return: as much of Node's `Timeout` as programs use. */
import type { EventLoop } from './event-loop.js';

/** Shortest time of a timer (HTML, Node): a shorter one counts as this. */
const LEAST_MS = 1;
const MOST_MS = 2 ** 31 - 1;

let numbers = 0;
/** Timers whose numbers the program has asked for. */
const byNumber = new Map<number, TimerHandle>();

/** Returns the timer of a number that is set. */
export function timerOf(number: unknown): TimerHandle | undefined {
  return typeof number === 'number' || typeof number === 'string' ? byNumber.get(Number(number)) : undefined;
}

export class TimerHandle {
  readonly #loop: EventLoop;
  readonly #ms: number;
  readonly #job: () => void;
  readonly #kind: 'once' | 'again' | 'immediate';
  readonly #number: number;
  #cancel: (() => void) | undefined;
  #isRef = true;
  #isClosed = false;

  constructor(
    loop: EventLoop,
    ms: number | undefined,
    job: () => void,
    kind: 'once' | 'again' | 'immediate',
  ) {
    this.#loop = loop;
    const isFit = ms !== undefined && ms >= LEAST_MS && ms <= MOST_MS;
    this.#ms = isFit ? Math.trunc(ms) : LEAST_MS;
    this.#job = job;
    this.#kind = kind;
    numbers += 1;
    this.#number = numbers;
    this.#arm();
  }

  close(): this {
    this.#cancel?.();
    this.#forget();
    this.#isClosed = true;
    return this;
  }

  /** Counts the time from now on, also of a timer that has fired; one that is cleared stays so. */
  refresh(): this {
    if (this.#isClosed) return this;
    this.#cancel?.();
    this.#arm();
    return this;
  }

  /** Virtual timers keep no process alive; both are there because programs call them. */
  ref(): this {
    this.#isRef = true;
    return this;
  }

  unref(): this {
    this.#isRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  /** Returns a number by which the timer can be cleared, as in browsers. */
  [Symbol.toPrimitive](): number {
    if (this.#cancel !== undefined) byNumber.set(this.#number, this);
    return this.#number;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #forget(): void {
    this.#cancel = undefined;
    byNumber.delete(this.#number);
  }

  #arm(): void {
    const fire = (): void => {
      if (this.#kind !== 'again') this.#forget();
      if (this.#kind === 'again') this.#arm();
      this.#job();
    };
    this.#cancel =
      this.#kind === 'immediate'
        ? this.#loop.setImmediate(fire)
        : this.#loop.at(this.#loop.nowMs + this.#ms, fire);
  }
}
