/**
 * The exact receive window. Of a connection that withholds, what the program is given is only peeked at
 * (SO_PEEK_OFF): it stays in the kernel, which closes the window for it, until it is consumed.
 */
import type { NativeSockets } from '../../addon/native-sockets.js';

export class Peeking {
  readonly #native: NativeSockets;
  readonly #slot: number;
  /** Bytes that were delivered and are the kernel's still. */
  #bytes = 0;

  /** `undefined`: the kernel refuses, for now. */
  static begin(native: NativeSockets, slot: number): Peeking | undefined {
    return native.setPeeking(slot) < 0 ? undefined : new Peeking(native, slot);
  }

  private constructor(native: NativeSockets, slot: number) {
    this.#native = native;
    this.#slot = slot;
  }

  delivered(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Opens the window by bytes that were delivered. */
  consume(bytes = this.#bytes): void {
    if (bytes === 0) return;
    this.#bytes -= bytes;
    this.#native.consume(this.#slot, bytes);
  }

  /**
   * Opens the window by all but the `unread` bytes, and by what the program was promised and the kernel has
   * no room for. Whether that has to be looked at again: the kernel reckons with whole segments and tells the
   * peer in its own time.
   */
  openBut(unread: number, windowBytes: number): boolean {
    this.consume(Math.max(0, this.#bytes - unread));
    const promised = windowBytes - unread;
    if (this.#bytes === 0 || promised === 0) return false;
    // A refusal, of an older system: no room that is known.
    const missing = promised - Math.max(0, this.#native.window(this.#slot));
    if (missing > 0) this.consume(Math.min(this.#bytes, missing));
    return true;
  }
}
