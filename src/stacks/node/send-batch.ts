/**
 * What was written since the last output: it leaves in one system call (`writev` where there are several
 * pieces). Copied pieces that follow each other are one piece, so that many small ones cost no more than a
 * large one.
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
      this.#push(bytes);
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
    if (other.#first !== undefined) this.#push(other.#first);
    for (const piece of other.#rest ?? []) this.#push(piece);
    this.#bytes += other.#bytes;
    this.#lastCopy = undefined;
    other.#clear();
  }

  /** Hands everything to the socket. Returns whether the kernel took all of it within the call. */
  leave(socket: Socket): boolean {
    const first = this.#first;
    const copy = this.#lastCopy;
    if (first === undefined) return true;
    if (this.#rest === undefined) socket.write(first);
    else this.#leaveTogether(socket, first, this.#rest);
    this.#clear();
    const isTaken = socket.writableLength === 0;
    if (isTaken && copy !== undefined) this.#slab.release(copy);
    return isTaken;
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
    this.#bytes = 0;
  }
}
