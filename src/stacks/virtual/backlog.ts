/**
 * The backlog of a connection that sends: bytes that its program has enqueued and that TCP does not have yet,
 * because they were not flushed, or MORE holds them back. Lent bytes stay where they are until TCP copies
 * them. A connection gets one when it needs the first of these fields.
 */
import type { TcpSocket } from '../../netstack/raw-api.js';

interface Piece {
  readonly bytes: Uint8Array;
  /** Its length as it was enqueued: memory that is transferred away later has none. */
  readonly length: number;
  /** Bytes of it that TCP has taken. */
  taken: number;
}

export class Backlog {
  #pieces: Piece[] = [];
  /** Bytes that were enqueued and not taken by TCP. */
  length = 0;
  /** Bytes of them that were flushed. */
  flushed = 0;
  /** True if the last piece was enqueued with MORE. */
  expectsMore = false;
  /** True if flushed bytes wait until the present turn is over, because of MORE. */
  isHeldBack = false;
  /** Bytes of the connection beyond its share, as the budget of the stack knows them. */
  excess = 0;
  /** Bytes of space that the program waits for; 0: none. */
  wantedSpace = 0;

  push(bytes: Uint8Array): void {
    this.#pieces.push({ bytes, length: bytes.length, taken: 0 });
    this.length += bytes.length;
  }

  /** Forgets all bytes. */
  clear(): void {
    this.#pieces = [];
    this.length = 0;
    this.flushed = 0;
  }

  /**
   * Gives TCP the flushed bytes, as many as it takes. Returns false if the memory of some was transferred
   * away or shrunk.
   */
  writeTo(socket: TcpSocket): boolean {
    let finished = 0;
    let isWhole = true;
    for (const piece of this.#pieces) {
      if (this.flushed === 0) break;
      if (isTakenAway(piece)) {
        isWhole = false;
        break;
      }
      const wanted = Math.min(piece.length - piece.taken, this.flushed);
      const taken = socket.write(piece.bytes.subarray(piece.taken, piece.taken + wanted));
      piece.taken += taken;
      this.length -= taken;
      this.flushed -= taken;
      if (piece.taken === piece.length) finished += 1;
      if (taken < wanted) break;
    }
    this.#pieces.splice(0, finished);
    return isWhole;
  }
}

/** Checks the buffer too: optimised code of Node 20 may still see the former length of a view. */
function isTakenAway({ bytes, length }: Piece): boolean {
  return bytes.length !== length || bytes.buffer.byteLength === 0;
}
