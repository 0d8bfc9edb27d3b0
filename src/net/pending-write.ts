/** The bytes of one write of a socket that the session has not taken, and the write's callback. */
import type { WriteDone } from './node-parts.js';

/** The part of a session that takes bytes. */
export interface ByteTaker {
  writeAll(pieces: readonly Uint8Array[]): number;
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
    if (this.bytes === 0) return;
    const taken = session.writeAll(this.#pieces);
    this.bytes -= taken;
    this.#pieces = restOf(this.#pieces, taken);
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
