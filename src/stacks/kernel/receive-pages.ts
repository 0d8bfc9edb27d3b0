/**
 * Pages of the engine's memory that the addon receives into, from a cursor on. A program gets a piece in one
 * of four forms:
 *
 *  - A large piece to keep is a view of its page: the page is given away, piece by piece. The page is filled
 *    on behind the piece, never over it, until it is full; then another page takes its place.
 *  - A small piece to keep is a copy of its own size, so that it does not hold a whole page.
 *  - A view is valid until the handler returns: the next poll may fill the same memory.
 *  - A loan is a view that is given back. Memory of which all loans are back is filled again.
 *
 * Pages are marked as untransferable. Node 20 and 22 detach them for byte streams all the same: there the
 * addon checks each page before it writes, and after the first loss every piece is a copy.
 */
import { markAsUntransferable } from 'node:worker_threads';
import {
  LARGE_BYTES,
  LEAST_READ_BYTES,
  MAX_PAGES,
  PAGE_BYTES,
  PAGE_SHIFT,
  PIECE_ALIGN,
  type NativeSockets,
} from '../../addon/native-sockets.js';
import type { Loan } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { keepFreedMemory } from '../system/freed-memory.js';

/** Most pages that wait for another use, after all their loans came back. */
export const MAX_SPARE_PAGES = 8;

const OFFSET_MASK = (1 << PAGE_SHIFT) - 1;

/** Returns true if no program can detach marked memory: from Node 24 on. */
export function marksHold(): boolean {
  const sample = new ArrayBuffer(1);
  markAsUntransferable(sample);
  const transfer: unknown = Reflect.get(sample, 'transfer');
  if (typeof transfer !== 'function') return false;
  try {
    transfer.call(sample);
  } catch {
    return true;
  }
  return false;
}

class Page implements Loan {
  readonly memory: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly #pages: ReceivePages;
  /** Number of the page among the addon's pages; −1: it is none of them. */
  number = -1;
  /** The first aligned offset. */
  begin = 0;
  /** End offset of the last piece given in this dispatch. */
  end = 0;
  isGiven = false;
  /** True if a program keeps a piece of the page for good. */
  isKept = false;
  /** Pieces that are lent and have not come back. */
  lent = 0;

  constructor(pages: ReceivePages) {
    this.#pages = pages;
    // Not zeroed: the kernel writes every byte before a program sees it.
    const { buffer } = Buffer.allocUnsafeSlow(PAGE_BYTES);
    this.memory = buffer;
    this.bytes = new Uint8Array(buffer);
    markAsUntransferable(buffer);
  }

  giveBack(): void {
    this.lent -= 1;
    assert(this.lent >= 0, 'a loan is given back once');
    if (this.lent === 0 && !this.isGiven) this.#pages.cameBack(this);
  }
}

export class ReceivePages {
  readonly #native: NativeSockets;
  readonly #cursors: Int32Array;
  readonly #pages: Page[] = [];
  readonly #spare: Page[] = [];
  /** Pages of which a piece was given in this dispatch. */
  readonly #given: Page[] = [];
  /** True once a program has detached a page: every later piece is a copy. */
  #copies = false;

  constructor(native: NativeSockets) {
    this.#native = native;
    this.#cursors = new Int32Array(native.cursors);
    this.#use(0, new Page(this));
  }

  /** Returns the piece, for the program to keep; `undefined` if a program has detached its page. */
  own(place: number, bytes: number): Uint8Array | undefined {
    const page = this.#pageAt(place);
    const offset = place & OFFSET_MASK;
    if (page === undefined) return undefined;
    if (bytes < LARGE_BYTES || this.#copies) return page.bytes.slice(offset, offset + bytes);
    page.isKept = true;
    return this.#give(page, offset, bytes);
  }

  /** Returns the piece, valid until the handler returns; `undefined` if a program has detached its page. */
  view(place: number, bytes: number): Uint8Array | undefined {
    if (bytes < LARGE_BYTES || this.#copies) return this.own(place, bytes);
    const page = this.#pageAt(place);
    return page === undefined ? undefined : this.#give(page, place & OFFSET_MASK, bytes);
  }

  /** Returns the loan of the piece; `undefined` if it has to be copied. */
  loan(place: number, bytes: number): Loan | undefined {
    return bytes < LARGE_BYTES || this.#copies ? undefined : this.#pageAt(place);
  }

  /** Returns the piece, valid for as long as the loan lasts. */
  lend(place: number, bytes: number): Uint8Array {
    const page = this.#pageAt(place);
    assert(page !== undefined, 'what is lent is there');
    page.lent += 1;
    return this.#give(page, place & OFFSET_MASK, bytes);
  }

  /** Ends a dispatch: moves the cursors past the pieces that were given. */
  endDispatch(): void {
    if (this.#given.length === 0) return;
    for (const page of this.#given) {
      page.isGiven = false;
      if (page.bytes.length === 0) this.#lost(page);
      else this.#moveOn(page);
    }
    this.#given.length = 0;
  }

  /** Replaces the pages that the addon found detached. */
  renew(): void {
    for (const page of this.#pages) if (page.bytes.length === 0) this.#lost(page);
  }

  cameBack(page: Page): void {
    if (page.isKept || page.bytes.length === 0) return;
    if (page.number >= 0) this.#cursors[page.number] = page.begin;
    else if (this.#spare.length < MAX_SPARE_PAGES) this.#spare.push(page);
  }

  #pageAt(place: number): Page | undefined {
    const page = this.#pages[place >> PAGE_SHIFT];
    assert(page !== undefined, 'a piece lies in a page');
    return page.bytes.length === 0 ? undefined : page;
  }

  #give(page: Page, offset: number, bytes: number): Uint8Array {
    page.end = offset + bytes;
    if (!page.isGiven) {
      page.isGiven = true;
      this.#given.push(page);
    }
    return new Uint8Array(page.memory, offset, bytes);
  }

  #moveOn(page: Page): void {
    const { number, begin, end } = page;
    // The last page was used: the next dispatch may use one more.
    if (number === this.#pages.length - 1 && number + 1 < MAX_PAGES) this.#use(number + 1, new Page(this));
    const isFree = page.lent === 0 && !page.isKept;
    const at = isFree ? begin : begin + Math.ceil((end - begin) / PIECE_ALIGN) * PIECE_ALIGN;
    if (at + LEAST_READ_BYTES <= PAGE_BYTES) this.#cursors[number] = at;
    else this.#replace(page);
  }

  #replace(page: Page): void {
    const { number } = page;
    keepFreedMemory(PAGE_BYTES);
    page.number = -1;
    this.#use(number, this.#spare.pop() ?? new Page(this));
  }

  #lost(page: Page): void {
    this.#copies = true;
    this.#replace(page);
  }

  #use(number: number, page: Page): void {
    const begin = this.#native.setPage(number, page.memory);
    assert(begin >= 0, 'the addon takes a page');
    page.number = number;
    page.begin = begin;
    this.#pages[number] = page;
    this.#cursors[number] = begin;
  }
}
