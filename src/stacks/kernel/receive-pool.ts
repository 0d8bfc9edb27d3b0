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

export class ReceivePool {
  readonly #native: NativeSockets;
  readonly #memory: Uint8Array;
  readonly #pages: readonly Page[];
  /** The page that is being filled, and how many others could be. */
  #current: Page;
  #freePages: number;

  constructor(native: NativeSockets) {
    this.#native = native;
    // A program that has a packet of one connection must not take the memory of all of them away.
    markAsUntransferable(native.pool);
    this.#memory = new Uint8Array(native.pool);
    this.#pages = Array.from({ length: POOL_PAGES }, (_, number) => new Page(this, number));
    const [first] = this.#pages;
    assert(first !== undefined, 'there is a page');
    this.#current = first;
    this.#freePages = this.#pages.length - 1;
  }

  copy(offset: number, bytes: number): Uint8Array {
    return this.#memory.slice(offset, offset + bytes);
  }

  /** Who waits for a piece of this poll to come back; `undefined` where it has to be copied. */
  loan(bytes: number): Loan | undefined {
    return bytes >= LENT_BYTES && this.#freePages > 0 ? this.#current : undefined;
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
