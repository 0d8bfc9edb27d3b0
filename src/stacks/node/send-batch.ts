/**
 * What was written since the last output: it leaves in one system call (`writev` where there are several
 * pieces). Copied pieces after the first share buffers, so that many small ones cost few objects.
 */
import type { Socket } from 'node:net';

/** Small copied pieces that follow each other are gathered in buffers of this size. */
export const GATHER_BYTES = 4096;

export class SendBatch {
  #first: Uint8Array | undefined;
  #rest: Uint8Array[] | undefined;
  /** The buffer that gathers, and how much of it is used; it is the last of the rest. */
  #gather: Uint8Array | undefined;
  #gathered = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: Uint8Array, copy: boolean): void {
    this.#bytes += bytes.length;
    if (this.#first === undefined) this.#first = copy ? copyOf(bytes) : bytes;
    else if (copy) this.#addCopy(bytes);
    else this.#addAsItIs(bytes);
  }

  /** Appends everything that another batch has; that one is empty afterwards. */
  takeFrom(other: SendBatch): void {
    if (other.#first === undefined) return;
    const pieces = [other.#first, ...(other.#takeRest() ?? [])];
    other.#first = undefined;
    other.#bytes = 0;
    for (const piece of pieces) this.add(piece, false);
  }

  /** Hands everything to the socket; `written` is called when the last piece is accepted. */
  leave(socket: Socket, written: (error?: Error | null) => void): void {
    const first = this.#first;
    if (first === undefined) return;
    const rest = this.#takeRest();
    this.#first = undefined;
    this.#bytes = 0;
    if (rest === undefined) {
      socket.write(first, written);
      return;
    }
    socket.cork();
    socket.write(first);
    for (const piece of rest.slice(0, -1)) socket.write(piece);
    socket.write(rest.at(-1) ?? first, written);
    socket.uncork();
  }

  #addAsItIs(bytes: Uint8Array): void {
    this.#endGathering();
    (this.#rest ??= []).push(bytes);
  }

  #addCopy(bytes: Uint8Array): void {
    if (this.#gather === undefined || this.#gather.length - this.#gathered < bytes.length) {
      this.#endGathering();
      this.#gather = Buffer.allocUnsafe(Math.max(GATHER_BYTES, bytes.length));
      (this.#rest ??= []).push(this.#gather);
    }
    this.#gather.set(bytes, this.#gathered);
    this.#gathered += bytes.length;
  }

  /** The last buffer is cut to what it holds. */
  #endGathering(): void {
    if (this.#gather === undefined || this.#rest === undefined) return;
    this.#rest[this.#rest.length - 1] = this.#gather.subarray(0, this.#gathered);
    this.#gather = undefined;
    this.#gathered = 0;
  }

  #takeRest(): Uint8Array[] | undefined {
    this.#endGathering();
    const rest = this.#rest;
    this.#rest = undefined;
    return rest;
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}
