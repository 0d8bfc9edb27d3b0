/**
 * Streams whose every byte follows from its place, so that received bytes are checked without keeping those
 * sent.
 */

const PERIOD = 65_521;
const periods = new Map<number, Uint8Array>();

function periodOf(seed: number): Uint8Array {
  let period = periods.get(seed);
  if (period === undefined) {
    period = Uint8Array.from({ length: PERIOD }, (_, place) => place * 167 + (place >> 8) * 89 + seed);
    periods.set(seed, period);
  }
  return period;
}

/** Returns the bytes `offset` to `offset + length` of the stream with this seed. */
export function pattern(seed: number, offset: number, length: number): Uint8Array {
  const period = periodOf(seed);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const start = (offset + done) % PERIOD;
    const piece = period.subarray(start, Math.min(PERIOD, start + length - done));
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

/** Follows a stream and checks each piece of it. */
export class PatternReader {
  readonly #seed: number;
  bytes = 0;
  matches = true;

  constructor(seed: number) {
    this.#seed = seed;
  }

  take(piece: Uint8Array): void {
    const period = periodOf(this.#seed);
    const start = this.bytes % PERIOD;
    for (let index = 0, place = start; index < piece.length; index += 1) {
      if (piece[index] !== period[place]) this.matches = false;
      place = place + 1 === PERIOD ? 0 : place + 1;
    }
    this.bytes += piece.length;
  }
}
