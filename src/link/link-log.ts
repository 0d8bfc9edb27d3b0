/** The packets of links as lines, for tests to assert on and people to read. */
import type { Frame } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import type { LinkTap } from './ports.js';
import type { DropReason } from './impairments.js';
import { PacketLines } from './packet-line.js';
import { PacketView } from './packet-view.js';

/** Lines that a log keeps; the oldest are forgotten. */
export const MOST_LOG_LINES = 100_000;

/**
 * One line for each packet that is sent, at the time of sending. `(loss)`, or another reason, stands behind
 * a packet that is dropped at once; one that is dropped later has a second line with the reason.
 */
export class LinkLog implements LinkTap, Disposable {
  readonly #lines: string[] = [];
  readonly #format = new PacketLines();
  readonly #views = { ethernet: new PacketView('ethernet'), ip: new PacketView('ip') };
  readonly #stop: (log: LinkLog) => void;
  #lastSent: Frame | undefined;
  #lastNs = 0;
  /** Lines that were forgotten. */
  forgotten = 0;

  constructor(stop: (log: LinkLog) => void) {
    this.#stop = stop;
  }

  /** The lines, the oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  toString(): string {
    return this.#lines.join('\n');
  }

  /** Forgets all lines. */
  clear(): void {
    this.#lines.length = 0;
    this.#lastSent = undefined;
  }

  /** Stops the log; its lines stay. */
  stop(): void {
    this.#stop(this);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  sent(direction: Direction, frame: Frame): void {
    this.#lastSent = frame;
    this.#lastNs = direction.nowNs;
    this.#add(this.#line(direction, frame, ''));
  }

  arrived(): void {
    // A packet has its line already.
  }

  dropped(direction: Direction, frame: Frame, reason: DropReason): void {
    const last = this.#lines.length - 1;
    if (this.#lastSent === frame && this.#lastNs === direction.nowNs && last >= 0) {
      this.#lines[last] = `${this.#lines[last] ?? ''} (${reason})`;
      this.#lastSent = undefined;
      return;
    }
    this.#add(this.#line(direction, frame, reason));
  }

  #line(direction: Direction, frame: Frame, remark: string): string {
    const view = this.#views[direction.medium].read(frame);
    view.from = direction.from;
    view.to = direction.to;
    return this.#format.line(direction.nowNs, view, remark);
  }

  #add(line: string): void {
    if (this.#lines.length >= MOST_LOG_LINES) {
      this.#lines.shift();
      this.forgotten += 1;
    }
    this.#lines.push(line);
  }
}
