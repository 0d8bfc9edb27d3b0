/**
 * Pieces that leave together: in one system call (`writev` if there are several). Copied pieces that follow
 * each other are joined into one, so that many small pieces cost no more than a large one.
 */
import type { Socket } from 'node:net';
import type { CopySlab } from '../system/copy-slab.js';

export class SendBatch {
  readonly #slab: CopySlab;
  /** Most batches are one piece; the array is for the others. */
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  /** The last piece, if it is a copy in the slab. */
  #lastCopy: Buffer | undefined;
  #hasLent = false;
  #bytes = 0;

  constructor(slab: CopySlab) {
    this.#slab = slab;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param copy false: the bytes are lent until the kernel has taken them. */
  enqueue(bytes: Uint8Array, copy: boolean): void {
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

  /** Appends all pieces of another batch, which is empty afterwards. */
  takeFrom(other: SendBatch): void {
    if (other.#first === undefined) return;
    this.#push(other.#first);
    for (const piece of other.#rest ?? []) this.#push(piece);
    this.#bytes += other.#bytes;
    this.#lastCopy = other.#lastCopy;
    this.#hasLent ||= other.#hasLent;
    other.#clear();
  }

  /** Returns true if no lent piece has been detached or shrunk. */
  isWhole(): boolean {
    if (!this.#hasLent) return true;
    return this.#first !== undefined && !isDetached(this.#first) && !this.#rest?.some(isDetached);
  }

  /**
   * Gives all pieces to the socket; the batch is empty afterwards. Returns `undefined` if the kernel took
   * everything within the call, else the pieces, which are in flight.
   */
  flush(socket: Socket): readonly Uint8Array[] | undefined {
    const first = this.#first;
    const rest = this.#rest;
    const copy = this.#lastCopy;
    if (first === undefined) return undefined;
    if (rest === undefined) socket.write(first);
    else writeTogether(socket, first, rest);
    this.#clear();
    if (socket.writableLength > 0) return rest === undefined ? [first] : [first, ...rest];
    if (copy !== undefined) this.#slab.release(copy);
    return undefined;
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

function writeTogether(socket: Socket, first: Uint8Array, rest: readonly Uint8Array[]): void {
  socket.cork();
  socket.write(first);
  for (const piece of rest) socket.write(piece);
  socket.uncork();
}

/**
 * Returns true if the owner of a lent piece has detached or shrunk its buffer. No piece is empty from the
 * start. The buffer's length counts too: optimised code of Node 20 may still see the former length of a
 * view.
 */
export function isDetached(piece: Uint8Array): boolean {
  return piece.length === 0 || piece.buffer.byteLength === 0;
}

/**
 * Returns a view of fixed length. A view that follows the length of its buffer would just become shorter;
 * one of fixed length becomes empty as soon as its buffer is too short, which `isDetached` finds.
 */
function ofFixedLength(bytes: Uint8Array): Uint8Array {
  const { buffer } = bytes;
  const isResizable = 'resizable' in buffer && buffer.resizable === true;
  return isResizable ? new Uint8Array(buffer, bytes.byteOffset, bytes.length) : bytes;
}
