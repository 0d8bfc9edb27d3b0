/** Writes the packets of links as lines while they are sent. */
import type { Frame } from '../netstack/frame.js';
import type { Direction } from './direction.js';
import type { LinkTap } from './ports.js';
import type { DropReason } from './impairments.js';
import { PacketLines } from './packet-line.js';
import { PacketView } from './packet-view.js';

/**
 * One line for each packet that is sent, at the time of sending, as `LinkLog` has them: `(loss)`, or another
 * reason, stands behind a packet that is dropped at once; one that is dropped later has a second line.
 */
export class PacketPrinter implements LinkTap, Disposable {
  readonly #write: (line: string) => void;
  readonly #stop: (printer: PacketPrinter) => void;
  readonly #format = new PacketLines();
  readonly #views = { ethernet: new PacketView('ethernet'), ip: new PacketView('ip') };
  /** Line of the last packet: its link has not decided yet. */
  #line: string | undefined;
  #frame: Frame | undefined;
  #atNs = 0;

  constructor(write: (line: string) => void, stop: (printer: PacketPrinter) => void) {
    this.#write = write;
    this.#stop = stop;
  }

  /** Writes the line that waits, and stops. */
  stop(): void {
    this.#finish();
    this.#stop(this);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  sent(direction: Direction, frame: Frame): void {
    this.#finish();
    this.#frame = frame;
    this.#atNs = direction.nowNs;
    this.#line = this.#show(direction, frame, '');
  }

  arrived(): void {
    this.#finish();
  }

  dropped(direction: Direction, frame: Frame, reason: DropReason): void {
    if (this.#line !== undefined && this.#frame === frame && this.#atNs === direction.nowNs) {
      this.#line += ` (${reason})`;
      this.#finish();
      return;
    }
    this.#finish();
    this.#write(this.#show(direction, frame, reason));
  }

  #finish(): void {
    if (this.#line !== undefined) this.#write(this.#line);
    this.#line = undefined;
    this.#frame = undefined;
  }

  #show(direction: Direction, frame: Frame, remark: string): string {
    const view = this.#views[direction.medium].read(frame);
    view.from = direction.from;
    view.to = direction.to;
    return this.#format.line(direction.nowNs, view, remark);
  }
}
