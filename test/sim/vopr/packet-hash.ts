/** A hash of all packets of a network: what happened to them, when, and their bytes. */
import type { Direction } from '#src/link/direction.js';
import type { LinkTap } from '#src/link/ports.js';
import type { Frame } from '#src/netstack/frame.js';

export class PacketHash implements LinkTap {
  #low = 0x811c_9dc5 | 0;
  #high = 0x1234_5678 | 0;
  packets = 0;

  sent(direction: Direction, frame: Frame): void {
    this.packets += 1;
    this.#mix(direction.nowNs % 0x7fff_ffff);
    const { view, start, end } = frame;
    let at = start;
    for (; at + 4 <= end; at += 4) this.#mix(view.getInt32(at));
    for (; at < end; at += 1) this.#mix(view.getUint8(at));
  }

  arrived(direction: Direction, frame: Frame): void {
    this.#mix(direction.nowNs % 0x7fff_ffff);
    this.#mix(frame.length);
  }

  dropped(direction: Direction, frame: Frame): void {
    this.#mix(direction.nowNs % 0x7fff_ffff);
    this.#mix(-frame.length);
  }

  toString(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mix(word: number): void {
    const low = Math.imul(this.#low ^ word, 0x0100_0193);
    this.#low = low ^ (low >>> 15);
    this.#high = (Math.imul(this.#high, 31) + this.#low) | 0;
  }
}
