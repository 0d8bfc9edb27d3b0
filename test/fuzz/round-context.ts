/**
 * The state that the connections of one round share: the violations, and memory that nothing may write into.
 */
import { PAGE_BYTES } from '#src/addon/native-sockets.js';
import { pattern } from '../contract/pattern.js';

/** Most blocks of memory that are watched. */
const MOST_CANARIES = 16;
const CANARY = 0xa5;
/** Most violations of a round that are reported. */
const MOST_VIOLATIONS = 5;

export class RoundContext {
  readonly violations: string[] = [];
  /** A program has detached the memory of received data, and with it other pieces in the same page. */
  hasDetached = false;
  readonly #canaries: Uint8Array[] = [];

  readonly report = (text: string): void => {
    if (this.violations.length < MOST_VIOLATIONS) this.violations.push(text);
  };

  /** Allocates a block that may get the address of the detached memory. Nothing may write into the block. */
  noteDetached(): void {
    this.hasDetached = true;
    if (this.#canaries.length === MOST_CANARIES) this.#canaries.shift();
    this.#canaries.push(Buffer.allocUnsafeSlow(PAGE_BYTES).fill(CANARY));
  }

  checkCanaries(): void {
    for (const canary of this.#canaries.splice(0)) {
      if (!canary.every((byte) => byte === CANARY)) this.report('something was written into foreign memory');
    }
  }
}

/** Returns true if the bytes are those of the stream from `place` on. */
export function matchesStream(stream: number, place: number, bytes: Uint8Array): boolean {
  return Buffer.compare(pattern(stream, place, bytes.length), bytes) === 0;
}
