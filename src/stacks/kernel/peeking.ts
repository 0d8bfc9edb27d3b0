/**
 * The exact receive window. While a program withholds, delivered data is only peeked at (SO_PEEK_OFF): it
 * stays in the kernel, which closes the window for it, until it is consumed.
 */
import type { NativeSockets } from '../../addon/native-sockets.js';

export class Peeking {
  readonly #native: NativeSockets;
  readonly #slot: number;
  /** Delivered bytes that the kernel still has. */
  #bytes = 0;

  /** Begins to peek. Returns `undefined` if the kernel refuses; the caller may try again. */
  static begin(native: NativeSockets, slot: number): Peeking | undefined {
    return native.setPeeking(slot) < 0 ? undefined : new Peeking(native, slot);
  }

  private constructor(native: NativeSockets, slot: number) {
    this.#native = native;
    this.#slot = slot;
  }

  get bytes(): number {
    return this.#bytes;
  }

  delivered(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Consumes delivered bytes: the window opens by them. */
  consume(bytes = this.#bytes): void {
    if (bytes === 0) return;
    this.#bytes -= bytes;
    this.#native.consume(this.#slot, bytes);
  }

  /**
   * Consumes all but `unread` bytes, plus what is needed to honour the promised window: the kernel may have
   * no room for that. Returns true if the window has to be looked at again: the kernel counts in whole
   * segments and announces the window to the peer later.
   */
  openBut(unread: number, windowBytes: number): boolean {
    this.consume(Math.max(0, this.#bytes - unread));
    const promised = windowBytes - unread;
    if (this.#bytes === 0 || promised === 0) return false;
    // An older system refuses: then the room counts as 0.
    const missing = promised - Math.max(0, this.#native.window(this.#slot));
    if (missing > 0) this.consume(Math.min(this.#bytes, missing));
    return true;
  }
}
