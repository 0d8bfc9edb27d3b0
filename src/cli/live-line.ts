/** One line at the bottom of the terminal, redrawn once a second. */
import type { WriteStream } from 'node:tty';
import { systemClock, type Alarm, type Clock } from '../support/clock.js';

const INTERVAL_MS = 1000;
/** The assumed width of a terminal that does not report it. */
const USUAL_COLUMNS = 80;
/** ECMA-48: moves the cursor to the line's beginning and erases the line. */
const CLEAR = '\r\x1b[2K';

type Terminal = Pick<WriteStream, 'write' | 'columns'>;

export class LiveLine {
  readonly #terminal: Terminal;
  /** Returns the text; `elapsedMs` is the time since the last drawing. */
  readonly #text: (elapsedMs: number) => string;
  readonly #clock: Clock;
  #drawnAtMs: number;
  #alarm: Alarm | undefined;

  constructor(terminal: Terminal, text: (elapsedMs: number) => string, clock: Clock = systemClock) {
    this.#terminal = terminal;
    this.#text = text;
    this.#clock = clock;
    this.#drawnAtMs = clock.nowMs();
    this.#draw();
  }

  /** Erases the line; the cursor is then at its beginning. */
  end(): void {
    this.#alarm?.cancel();
    this.#terminal.write(CLEAR);
  }

  #draw(): void {
    const nowMs = this.#clock.nowMs();
    const columns = this.#terminal.columns > 0 ? this.#terminal.columns : USUAL_COLUMNS;
    // A line that reaches the last column would wrap, and could not be erased.
    const text = this.#text(nowMs - this.#drawnAtMs).slice(0, columns - 1);
    // With the cursor at the beginning, a warning on stderr overwrites the text instead of following it.
    this.#terminal.write(`${CLEAR}${text}\r`);
    this.#drawnAtMs = nowMs;
    this.#alarm = this.#clock.setAlarm(nowMs + INTERVAL_MS, () => {
      this.#draw();
    });
  }
}

/** True if the stream is a terminal that can redraw a line. */
export function isLively(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}
