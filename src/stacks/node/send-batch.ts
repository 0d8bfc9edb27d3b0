/**
 * What was written since the last output: it leaves in one system call (`writev` where there are several
 * pieces). Copied pieces that follow each other are one piece, so that many small ones cost no more than a
 * large one.
 */
import type { Socket } from 'node:net';
import type { CopySlab } from './copy-slab.js';

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
    const last = this.#lastCopy;
    this.#lastCopy = this.#slab.copy(bytes);
    const joined = last === undefined ? undefined : join(last, this.#lastCopy);
    if (joined === undefined) this.#push(this.#lastCopy);
    else this.#replaceLast(joined);
  }

  /** Appends everything that another batch has; that one is empty afterwards. */
  takeFrom(other: SendBatch): void {
    if (other.#first !== undefined) this.#push(other.#first);
    for (const piece of other.#rest ?? []) this.#push(piece);
    this.#bytes += other.#bytes;
    this.#lastCopy = undefined;
    other.#clear();
  }

  /** Hands everything to the socket; `written` is called when the last piece is accepted. */
  leave(socket: Socket, written: (error?: Error | null) => void): void {
    const [first, rest, copy] = [this.#first, this.#rest, this.#lastCopy];
    if (first === undefined) return;
    this.#clear();
    if (rest === undefined) {
      socket.write(first, written);
      // Nothing waits in the stream: the kernel took the piece within the call.
      if (copy !== undefined && socket.writableLength === 0) this.#slab.release(copy);
      return;
    }
    socket.cork();
    socket.write(first);
    for (const piece of rest.slice(0, -1)) socket.write(piece);
    socket.write(rest.at(-1) ?? first, written);
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

/** Two pieces as one, when the second follows the first in memory. */
function join(first: Buffer, second: Buffer): Buffer | undefined {
  if (first.buffer !== second.buffer || first.byteOffset + first.length !== second.byteOffset)
    return undefined;
  return Buffer.from(first.buffer, first.byteOffset, first.length + second.length);
}
