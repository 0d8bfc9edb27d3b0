/**
 * Bytes that were received and not read. Pieces are kept as they came. Small ones that come behind others
 * are copied into blocks, because a piece costs more memory than its bytes.
 */
import { assert } from '../support/assert.js';

/** Pieces of fewer bytes are copied into a block if others wait before them. */
export const SMALL_BYTES = 1024;
export const BLOCK_BYTES = 16_384;

export class ReceivedBytes {
  /** The pieces from `#first` on wait. */
  #pieces: Uint8Array[] = [];
  #first = 0;
  /** Bytes of the first piece that were read. */
  #read = 0;
  #length = 0;
  #offset = 0;
  /** The block of which the last piece is the beginning. */
  #block: Uint8Array | undefined;

  /** Number of bytes. */
  get length(): number {
    return this.#length;
  }

  /** Number of bytes that were read before. */
  get offset(): number {
    return this.#offset;
  }

  push(piece: Uint8Array): void {
    const isSmall = piece.length < SMALL_BYTES;
    if (!isSmall || this.#length === 0) {
      this.#block = undefined;
      this.#pieces.push(piece);
    } else if (!this.#append(piece)) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#block.set(piece);
      this.#pieces.push(this.#block.subarray(0, piece.length));
    }
    this.#length += piece.length;
  }

  /** Appends a piece to the block of the last one. Returns false if there is no room. */
  #append(piece: Uint8Array): boolean {
    const last = this.#pieces.at(-1);
    if (this.#block === undefined || last === undefined) return false;
    const length = last.length + piece.length;
    if (length > BLOCK_BYTES) return false;
    this.#block.set(piece, last.length);
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, length);
    return true;
  }

  /** Takes all that is left of the first piece, without a copy. */
  takePiece(): Uint8Array | undefined {
    const piece = this.#pieces[this.#first];
    if (piece === undefined) return undefined;
    const rest = this.#read === 0 ? piece : piece.subarray(this.#read);
    this.#drop(rest.length);
    return rest;
  }

  /** Takes `bytes` bytes, which must be there, as a copy. */
  take(bytes: number): Uint8Array {
    const taken = new Uint8Array(bytes);
    this.takeInto(taken);
    return taken;
  }

  /** Takes bytes to fill `target`, at most those that are there. Returns how many. */
  takeInto(target: Uint8Array): number {
    const bytes = Math.min(target.length, this.#length);
    for (let done = 0; done < bytes;) {
      const piece = this.#pieces[this.#first];
      assert(piece !== undefined, 'the pieces have the bytes');
      const part = Math.min(piece.length - this.#read, bytes - done);
      target.set(piece.subarray(this.#read, this.#read + part), done);
      this.#drop(part);
      done += part;
    }
    return bytes;
  }

  /** Drops `bytes` bytes, which must be there. */
  skip(bytes: number): void {
    for (let left = bytes; left > 0;) {
      const piece = this.#pieces[this.#first];
      assert(piece !== undefined, 'the pieces have the bytes');
      const part = Math.min(piece.length - this.#read, left);
      this.#drop(part);
      left -= part;
    }
  }

  /** Drops bytes of the first piece, at most all that is left of it. */
  #drop(bytes: number): void {
    this.#length -= bytes;
    this.#offset += bytes;
    this.#read += bytes;
    const piece = this.#pieces[this.#first];
    if (piece === undefined || this.#read < piece.length) return;
    this.#read = 0;
    this.#first += 1;
    if (this.#length === 0) {
      this.#pieces.length = 0;
      this.#first = 0;
      // A program may have the block's memory now.
      this.#block = undefined;
    } else if (this.#first >= 32 && 2 * this.#first >= this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Returns the byte at a place; `undefined` past the end. */
  at(place: number): number | undefined {
    let at = place + this.#read;
    for (let index = this.#first; index < this.#pieces.length; index += 1) {
      const length = this.#pieces[index]?.length ?? 0;
      if (at < length) return this.#pieces[index]?.[at];
      at -= length;
    }
    return undefined;
  }

  /**
   * Returns the first place, from `from` on, at which all of `wanted` stands; −1 if there is none.
   * @param wanted at least one byte.
   */
  indexOf(wanted: Uint8Array, from: number): number {
    const first = wanted[0] ?? 0;
    let begin = -this.#read;
    for (let index = this.#first; index < this.#pieces.length; index += 1) {
      const piece = this.#pieces[index];
      assert(piece !== undefined, 'the index is within the pieces');
      const start = Math.max(0, from - begin);
      for (let at = piece.indexOf(first, start); at >= 0; at = piece.indexOf(first, at + 1)) {
        if (this.#matches(wanted, index, at)) return begin + at;
      }
      begin += piece.length;
    }
    return -1;
  }

  /** Returns true if all of `wanted` stands at a place of a piece, and on in the pieces behind. */
  #matches(wanted: Uint8Array, index: number, at: number): boolean {
    let [piece, place] = [index, at];
    for (const byte of wanted) {
      if (place === this.#pieces[piece]?.length) [piece, place] = [piece + 1, 0];
      if (this.#pieces[piece]?.[place] !== byte) return false;
      place += 1;
    }
    return true;
  }
}
