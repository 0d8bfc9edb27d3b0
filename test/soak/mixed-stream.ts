/**
 * The streams of `mixed-program.ts`. Every byte follows from its place, so that the receiver checks each of
 * them. Both ends also count a checksum.
 */
import { crc32 } from 'node:zlib';
import type { Random } from '../support/random.js';

/** Prime, so that lost or repeated bytes change everything that follows. */
const BLOCK_BYTES = 1_000_003;
/** The client's stream begins with the connection's number. */
export const HEADER_BYTES = 4;

/** Random bytes. Every stream is a part of them, from an offset of its own. */
export class Block {
  readonly #bytes: Uint8Array;

  constructor(random: Random) {
    const bytes = random.bytes(BLOCK_BYTES);
    this.#bytes = new Uint8Array(2 * BLOCK_BYTES);
    this.#bytes.set(bytes);
    this.#bytes.set(bytes, BLOCK_BYTES);
  }

  /** Returns up to `length` bytes from `place` on; the block repeats without end. */
  from(place: number, length: number): Uint8Array {
    const start = place % BLOCK_BYTES;
    return this.#bytes.subarray(start, start + Math.min(length, BLOCK_BYTES));
  }
}

/** The bytes that one side sends. */
export class Stream {
  readonly length: number;
  readonly #block: Block;
  readonly #start: number;
  readonly #header: Uint8Array;

  constructor(block: Block, start: number, bytes: number, header: Uint8Array = new Uint8Array(0)) {
    this.#block = block;
    this.#start = start;
    this.#header = header;
    this.length = header.length + bytes;
  }

  /** Returns bytes from `place` on: at least one, at most `length`, none beyond the end. */
  piece(place: number, length: number): Uint8Array {
    const header = this.#header;
    if (place < header.length) return header.subarray(place, place + length);
    return this.#block.from(this.#start + place - header.length, Math.min(length, this.length - place));
  }

  /** Returns true if these are the bytes of the stream from `place` on. */
  has(place: number, bytes: Uint8Array): boolean {
    if (place + bytes.length > this.length) return false;
    for (let done = 0; done < bytes.length;) {
      const expected = this.piece(place + done, bytes.length - done);
      if (Buffer.compare(expected, bytes.subarray(done, done + expected.length)) !== 0) return false;
      done += expected.length;
    }
    return true;
  }
}

export function headerOf(number: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, number);
  return header;
}

export function numberIn(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(0);
}

/** Counts bytes and their checksum (CRC-32). */
export class Tally {
  bytes = 0;
  checksum = 0;

  take(piece: Uint8Array): void {
    this.bytes += piece.length;
    this.checksum = crc32(piece, this.checksum);
  }
}
