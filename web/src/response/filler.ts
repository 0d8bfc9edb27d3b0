/** Bodies that the program fills in piece by piece. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Returned by a filler that has no bytes yet: it is asked again a moment later. */
export const RESPONSE_TRY_AGAIN = 0xffff_ffff;

/** Largest piece for which a filler is asked, in bytes. */
const PIECE_BYTES = 16_384;

/** Time until a filler that had no bytes is asked again, in milliseconds. */
const RETRY_MS = 10;

/**
 * Fills a piece of a body.
 * @param buffer takes the bytes.
 * @param maxLen bytes that `buffer` has space for.
 * @param index bytes that were filled in so far.
 * @returns how many bytes were filled in; 0: the body is at its end; `RESPONSE_TRY_AGAIN`: none yet.
 */
export type AwsResponseFiller = (buffer: Buffer, maxLen: number, index: number) => number | Promise<number>;

/**
 * Yields the pieces of a filler.
 * @param bytes length of the whole body, if it is known.
 * @param isEnded returns true when no client takes the pieces any more: the filler is not asked again.
 */
export async function* filled(
  filler: AwsResponseFiller,
  bytes = Number.POSITIVE_INFINITY,
  isEnded = (): boolean => false,
): AsyncGenerator<Uint8Array> {
  let index = 0;
  while (index < bytes && !isEnded()) {
    const room = Math.min(PIECE_BYTES, bytes - index);
    const buffer = Buffer.allocUnsafe(room);
    const count = await filler(buffer, room, index);
    if (count === RESPONSE_TRY_AGAIN) {
      await sleep(RETRY_MS);
      continue;
    }
    if (!(count >= 0 && count <= room)) throw new RangeError(`a filler filled in ${count} of ${room} bytes`);
    if (count === 0) return;
    index += count;
    yield buffer.subarray(0, count);
  }
}
