/** One line at the bottom of the terminal that is drawn anew once a second. */
import type { WriteStream } from 'node:tty';
import { systemClock, type Alarm, type Clock } from '../support/clock.js';

const INTERVAL_MS = 1000;
/** Of a terminal that does not tell its width. */
const USUAL_COLUMNS = 80;
/** ECMA-48: to the line's beginning, and erase the line. */
const CLEAR = '\r\x1b[2K';

type Terminal = Pick<WriteStream, 'write' | 'columns'>;

export class LiveLine {
  readonly #terminal: Terminal;
  /** The text after `elapsedMs` since the last drawing. */
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

  /** Takes the line away; the cursor is where the next output belongs. */
  end(): void {
    this.#alarm?.cancel();
    this.#terminal.write(CLEAR);
  }

  #draw(): void {
    const nowMs = this.#clock.nowMs();
    const columns = this.#terminal.columns > 0 ? this.#terminal.columns : USUAL_COLUMNS;
    // A line that reaches the last column would wrap, and could not be erased any more.
    const text = this.#text(nowMs - this.#drawnAtMs).slice(0, columns - 1);
    // The cursor goes back to the beginning: a warning on stderr begins there, and not after the text.
    this.#terminal.write(`${CLEAR}${text}\r`);
    this.#drawnAtMs = nowMs;
    this.#alarm = this.#clock.setAlarm(nowMs + INTERVAL_MS, () => {
      this.#draw();
    });
  }
}

/** Whether lines can be drawn anew there. */
export function isLively(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}
