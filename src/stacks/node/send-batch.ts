/**
 * Pieces that leave together: in one system call (`writev` where there are several). Copied pieces that
 * follow each other are one piece, so that many small ones cost no more than a large one.
 */
import type { Socket } from 'node:net';
import type { CopySlab } from '../system/copy-slab.js';

export class SendBatch {
  readonly #slab: CopySlab;
  /** Most batches are one piece; the array is for the others. */
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  /** The last piece, when it is a copy in the slab. */
  #lastCopy: Buffer | undefined;
  #hasLent = false;
  #bytes = 0;

  constructor(slab: CopySlab) {
    this.#slab = slab;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array, copy: boolean): void {
    this.#bytes += bytes.length;
    if (!copy) {
      this.#lastCopy = undefined;
      this.#hasLent = true;
      this.#push(ofFixedLength(bytes));
      return;
    }
    const joined = this.#lastCopy === undefined ? undefined : this.#slab.extend(this.#lastCopy, bytes);
    if (joined !== undefined) {
      this.#replaceLast(joined);
      return;
    }
    this.#lastCopy = this.#slab.copy(bytes);
    this.#push(this.#lastCopy);
  }

  /** Appends everything that another batch has; that one is empty afterwards. */
  takeFrom(other: SendBatch): void {
    if (other.#first === undefined) return;
    this.#push(other.#first);
    for (const piece of other.#rest ?? []) this.#push(piece);
    this.#bytes += other.#bytes;
    this.#lastCopy = other.#lastCopy;
    this.#hasLent ||= other.#hasLent;
    other.#clear();
  }

  /** True if every piece that was lent is still what it was. */
  isWhole(): boolean {
    if (!this.#hasLent) return true;
    return this.#first !== undefined && !isTakenAway(this.#first) && !this.#rest?.some(isTakenAway);
  }

  /**
   * Hands everything to the socket. Returns `undefined` if the kernel took all of it within the call, else
   * the pieces, which are in flight.
   */
  leave(socket: Socket): readonly Uint8Array[] | undefined {
    const first = this.#first;
    const rest = this.#rest;
    const copy = this.#lastCopy;
    if (first === undefined) return undefined;
    if (rest === undefined) socket.write(first);
    else this.#leaveTogether(socket, first, rest);
    this.#clear();
    if (socket.writableLength > 0) return rest === undefined ? [first] : [first, ...rest];
    if (copy !== undefined) this.#slab.release(copy);
    return undefined;
  }

  #leaveTogether(socket: Socket, first: Uint8Array, rest: readonly Uint8Array[]): void {
    socket.cork();
    socket.write(first);
    for (const piece of rest) socket.write(piece);
    socket.uncork();
  }

  #push(piece: Uint8Array): void {
    if (this.#first === undefined) this.#first = piece;
    else (this.#rest ??= []).push(piece);
  }

  #replaceLast(piece: Buffer): void {
    this.#lastCopy = piece;
    if (this.#rest === undefined) this.#first = piece;
    else this.#rest[this.#rest.length - 1] = piece;
  }

  #clear(): void {
    this.#first = undefined;
    this.#rest = undefined;
    this.#lastCopy = undefined;
    this.#hasLent = false;
    this.#bytes = 0;
  }
}

/**
 * True if the owner of a lent piece has detached or shrunk its buffer. No piece is empty from the start. The
 * buffer is asked as well: optimised code of Node 20 may still see the former length of a view.
 */
export function isTakenAway(piece: Uint8Array): boolean {
  return piece.length === 0 || piece.buffer.byteLength === 0;
}

/** A view that follows its buffer's length becomes one that is empty as soon as the buffer is shorter. */
function ofFixedLength(bytes: Uint8Array): Uint8Array {
  const { buffer } = bytes;
  const isResizable = 'resizable' in buffer && buffer.resizable === true;
  return isResizable ? new Uint8Array(buffer, bytes.byteOffset, bytes.length) : bytes;
}
