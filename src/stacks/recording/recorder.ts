/**
 * Makes the lines of a recording and keeps them, or passes them to the sink. docs/stacks.md describes the
 * format.
 */
import type { MonotonicClock } from '../../support/clock.js';
import { warn } from '../../support/warn.js';
import { bytesText } from './line-text.js';
import { DEFAULT_LINES, type RecordingOptions } from './recording-options.js';

/** The number of the stack itself. */
export const STACK_NUMBER = 0;

/** Width of the time: a day in milliseconds with three decimals. */
const TIME_CHARACTERS = 12;

export class Recorder {
  /** True: calls that only ask, `post` and timers are recorded too. */
  readonly isVerbose: boolean;

  readonly #clock: MonotonicClock;
  readonly #sink: ((line: string) => void) | undefined;
  readonly #maxLines: number;
  readonly #shownBytes: number;

  /** A ring once it is full: the oldest line is the one at `#oldest`. */
  readonly #lines: string[] = [];
  #oldest = 0;
  #dropped = 0;
  #sinkFailed = false;
  #lastNumber = STACK_NUMBER;

  constructor(clock: MonotonicClock, options: RecordingOptions) {
    this.isVerbose = options.verbose ?? false;
    this.#clock = clock;
    this.#sink = options.sink;
    this.#maxLines = options.maxLines ?? DEFAULT_LINES;
    this.#shownBytes = options.shownBytes ?? 0;
  }

  /** Lines that are not kept, and that no sink received. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Returns the lines that are kept, the oldest first. */
  lines(): string[] {
    return [...this.#lines.slice(this.#oldest), ...this.#lines.slice(0, this.#oldest)];
  }

  /** Returns the number of a new look-up, attempt, listener or accepted connection. */
  newNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** Records a call of the stack. */
  call(number: number, text: string): void {
    this.#record(number, '→', text);
  }

  /** Records an event of the stack. */
  event(number: number, text: string): void {
    this.#record(number, '←', text);
  }

  /** Returns the first `count` bytes as a line shows them: nothing unless the options want them. */
  shown(bytes: Uint8Array, count: number): string {
    return this.#shownBytes === 0 || count === 0 ? '' : bytesText(bytes, count, this.#shownBytes);
  }

  #record(number: number, direction: '→' | '←', text: string): void {
    const time = this.#clock.nowMs().toFixed(3).padStart(TIME_CHARACTERS);
    const line = `${time} #${number} ${direction} ${text}`;
    if (this.#sink !== undefined) this.#pass(this.#sink, line);
    else this.#keep(line);
  }

  #keep(line: string): void {
    if (this.#lines.length < this.#maxLines) {
      this.#lines.push(line);
      return;
    }
    this.#lines[this.#oldest] = line;
    this.#oldest = (this.#oldest + 1) % this.#maxLines;
    this.#dropped += 1;
  }

  /** An error of the sink must not reach the stack, which knows nothing of a recording. */
  #pass(sink: (line: string) => void, line: string): void {
    if (this.#sinkFailed) {
      this.#dropped += 1;
      return;
    }
    try {
      sink(line);
    } catch (error) {
      this.#sinkFailed = true;
      this.#dropped += 1;
      warn(`the sink of a recording threw, and is not called again: ${String(error)}`);
    }
  }
}
