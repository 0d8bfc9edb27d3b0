/** The bytes of one write of a socket that the session has not taken, and the write's callback. */
import { SendFlag } from '../port/tcp-stack.js';
import type { WriteDone } from './node-parts.js';

/** The part of a session that takes bytes. */
export interface ByteTaker {
  write(bytes: Uint8Array, flags: typeof SendFlag.COPY, whole: boolean): number;
}

export class PendingWrite {
  #pieces: Uint8Array[] = [];
  bytes = 0;
  done: WriteDone | undefined;

  /** Keeps bytes, which the caller leaves unchanged until the write is done. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.bytes += bytes.length;
  }

  /** Writes as much as the session takes. */
  writeTo(session: ByteTaker): void {
    let written = 0;
    for (const piece of this.#pieces) {
      const taken = session.write(piece, SendFlag.COPY, false);
      this.bytes -= taken;
      if (taken < piece.length) {
        this.#pieces = [piece.subarray(taken), ...this.#pieces.slice(written + 1)];
        return;
      }
      written += 1;
    }
    this.#pieces = [];
  }
}
