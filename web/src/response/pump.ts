/** Writes a body piece by piece. The source is asked for a piece only when the connection has space. */
import type { ServerResponse } from 'node:http';

/** A body in pieces: text is sent as UTF-8. */
export type Pieces = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/**
 * Writes all pieces, and ends the reply. Stops, and ends the source, when the client has gone.
 * @param isEnded returns true when the source has been ended: no client takes its pieces any more.
 * @param bytes the length that the client was promised; a source that gives another one ends the connection,
 *   since the client could not tell otherwise (RFC 9112 §6.3).
 */
export async function pump(
  reply: ServerResponse,
  pieces: Pieces,
  bytes: number | undefined,
  isEnded = (): boolean => false,
): Promise<void> {
  let left = bytes ?? Number.POSITIVE_INFINITY;
  try {
    for await (const piece of pieces) {
      if (reply.destroyed || isEnded()) return;
      const length = typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
      if (length === 0) continue;
      left -= length;
      if (left < 0) throw new RangeError(`the body is longer than its length of ${String(bytes)} bytes`);
      if (!reply.write(piece) && !(await hasSpace(reply))) return;
    }
    if (reply.destroyed || isEnded()) return;
    if (bytes !== undefined && left > 0) {
      throw new RangeError(`the body is ${left} bytes shorter than its length of ${bytes}`);
    }
    reply.end();
  } catch (error) {
    reply.destroy();
    if (isEnded() && isEarlyEnd(error)) return;
    throw error;
  }
}

/** Returns true for the error of a stream of Node that was ended. */
function isEarlyEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Waits until the reply takes more bytes. Returns false if the client has gone. */
function hasSpace(reply: ServerResponse): Promise<boolean> {
  if (reply.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (result: boolean): void => {
      reply.off('drain', drained).off('close', closed);
      resolve(result);
    };
    const drained = (): void => {
      done(true);
    };
    const closed = (): void => {
      done(false);
    };
    reply.once('drain', drained).once('close', closed);
  });
}
