/** What the ends of one round share: the faults that were found, and what a detached page must not harm. */
import { PAGE_BYTES } from '#src/addon/native-sockets.js';
import { pattern } from '../contract/pattern.js';

/** Memory that may lie where freed memory lay, at most. */
const MOST_CANARIES = 16;
const CANARY = 0xa5;
/** No more faults of a round are told. */
const MOST_FAULTS = 5;

export class Scene {
  readonly faults: string[] = [];
  /** A program has taken memory of received data away: what lay in the same page is gone with it. */
  hasTaken = false;
  readonly #canaries: Uint8Array[] = [];

  readonly fault = (text: string): void => {
    if (this.faults.length < MOST_FAULTS) this.faults.push(text);
  };

  /** Notes that memory was detached: new memory may take its place, and nobody may write into that. */
  tookMemory(): void {
    this.hasTaken = true;
    if (this.#canaries.length === MOST_CANARIES) this.#canaries.shift();
    this.#canaries.push(Buffer.allocUnsafeSlow(PAGE_BYTES).fill(CANARY));
  }

  checkCanaries(): void {
    for (const canary of this.#canaries.splice(0)) {
      if (!canary.every((byte) => byte === CANARY)) this.fault('something was written into foreign memory');
    }
  }
}

/** True if the bytes are those of the stream from `place` on. */
export function isOf(stream: number, place: number, bytes: Uint8Array): boolean {
  return Buffer.compare(pattern(stream, place, bytes.length), bytes) === 0;
}
