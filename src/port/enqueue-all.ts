/** Sends several pieces together, on every stack. */
import { SendFlag, type Connection } from './tcp-stack.js';

/**
 * Takes as many bytes of `pieces` as there is space for, copies what it keeps, and sends them. Returns how
 * many bytes it took.
 */
export function enqueueAllAndFlush(connection: Connection, pieces: readonly Uint8Array[]): number {
  if (connection.enqueueAllAndFlush !== undefined) return connection.enqueueAllAndFlush(pieces);
  let taken = 0;
  for (const piece of pieces) {
    const length = connection.enqueue(piece, SendFlag.COPY);
    taken += length;
    if (length < piece.length) break;
  }
  if (taken > 0) connection.flush();
  return taken;
}
