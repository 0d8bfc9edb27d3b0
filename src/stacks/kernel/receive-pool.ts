/**
 * The memory that the addon receives into: pages, of which it fills one at each poll and uses the same again
 * at the next. What a program is given of it is either copied or lent:
 *
 *  - Copied into memory of its own, for a program that may keep it, change it or transfer it to a thread.
 *  - Lent, to a program that gives it back. A page that is lent from is not filled again before all of it is
 *    back; the addon goes on with another one. The last free page is not lent from: then pieces are copied.
 */
import { markAsUntransferable } from 'node:worker_threads';
import { POOL_PAGES, type NativeSockets } from '../../addon/native-sockets.js';
import type { Loan } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { keepFreedMemory } from '../system/freed-memory.js';

/** Smaller pieces are not worth a loan: a copy costs less than a page that waits. */
export const LENT_BYTES = 2048;

class Page implements Loan {
  readonly number: number;
  /** Pieces of it that programs have. */
  lent = 0;
  readonly #pool: ReceivePool;

  constructor(pool: ReceivePool, number: number) {
    this.#pool = pool;
    this.number = number;
  }

  giveBack(): void {
    this.lent -= 1;
    assert(this.lent >= 0, 'a loan is given back once');
    if (this.lent === 0) this.#pool.cameBack(this);
  }
}

/**
 * Marks memory that a program must not take away from all the others by transferring its packet to a thread.
 * Whether that holds: Node 22's `ArrayBuffer.prototype.transfer` asks for no mark.
 */
export function keepFromTransfer(memory: ArrayBuffer): boolean {
  markAsUntransferable(memory);
  const sample = new ArrayBuffer(1);
  markAsUntransferable(sample);
  const transfer: unknown = Reflect.get(sample, 'transfer');
  if (typeof transfer !== 'function') return true;
  try {
    transfer.call(sample);
  } catch {
    return true;
  }
  return false;
}

export class ReceivePool {
  readonly #native: NativeSockets;
  readonly #memory: Uint8Array;
  readonly #pages: readonly Page[];
  /** Where the engine cannot keep the memory, every piece is a copy. */
  readonly #lends: boolean;
  /** The page that is being filled, and how many others could be. */
  #current: Page;
  #freePages: number;

  constructor(native: NativeSockets) {
    this.#native = native;
    this.#lends = keepFromTransfer(native.pool);
    this.#memory = new Uint8Array(native.pool);
    this.#pages = Array.from({ length: POOL_PAGES }, (_, number) => new Page(this, number));
    const [first] = this.#pages;
    assert(first !== undefined, 'there is a page');
    this.#current = first;
    this.#freePages = this.#pages.length - 1;
  }

  copy(offset: number, bytes: number): Uint8Array {
    keepFreedMemory(bytes);
    return this.#memory.slice(offset, offset + bytes);
  }

  /** Who waits for a piece of this poll to come back; `undefined` where it has to be copied. */
  loan(bytes: number): Loan | undefined {
    return this.#lends && bytes >= LENT_BYTES && this.#freePages > 0 ? this.#current : undefined;
  }

  /** The piece itself, for as long as the loan lasts. */
  lend(offset: number, bytes: number): Uint8Array {
    this.#current.lent += 1;
    return this.#memory.subarray(offset, offset + bytes);
  }

  /** Before the next poll: a page of which something is lent must not be filled again. */
  turnPage(): void {
    if (this.#current.lent === 0) return;
    const next = this.#pages.find((page) => page.lent === 0);
    assert(next !== undefined, 'the last free page is not lent from');
    this.#freePages -= 1;
    this.#current = next;
    this.#native.usePage(next.number);
  }

  cameBack(page: Page): void {
    if (page !== this.#current) this.#freePages += 1;
  }
}
