/** The bytes of one write of a socket that the session has not taken, and the write's callback. */
import { SendFlag } from '../port/tcp-stack.js';
import type { WriteDone } from './node-parts.js';

/** The part of a session that takes bytes. */
export interface ByteTaker {
  write(bytes: Uint8Array, flags: typeof SendFlag.COPY, whole: boolean): number;
}

export class PendingWrite {
  #pieces: Uint8Array[] = [];
  /** Place of the first piece that is not taken. */
  #head = 0;
  bytes = 0;
  done: WriteDone | undefined;

  /** Keeps bytes, which the caller leaves unchanged until the write is done. */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.bytes += bytes.length;
  }

  /** Writes as much as the session takes. The cost does not grow with the pieces that go on waiting. */
  writeTo(session: ByteTaker): void {
    for (let piece = this.#pieces[this.#head]; piece !== undefined; piece = this.#pieces[this.#head]) {
      const taken = session.write(piece, SendFlag.COPY, false);
      this.bytes -= taken;
      if (taken < piece.length) {
        this.#pieces[this.#head] = piece.subarray(taken);
        return;
      }
      this.#head += 1;
    }
    this.#pieces = [];
    this.#head = 0;
  }
}

/** Returns views of the bytes behind the first `taken` ones. */
export function restOf(pieces: readonly Uint8Array[], taken: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let left = taken;
  for (const piece of pieces) {
    if (piece.length > left) rest.push(piece.subarray(left));
    left = Math.max(0, left - piece.length);
  }
  return rest;
}
