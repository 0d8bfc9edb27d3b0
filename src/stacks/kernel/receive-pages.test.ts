import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  LARGE_BYTES,
  LEAST_READ_BYTES,
  MAX_PAGES,
  PAGE_BYTES,
  PAGE_SHIFT,
  PIECE_ALIGN,
  READ_BYTES,
  type NativeSockets,
} from '../../addon/native-sockets.js';
import { loadAddon } from '../../addon/load-addon.js';
import type { Loan } from '../../port/tcp-stack.js';
import { marksHold, MAX_SPARE_PAGES, ReceivePages } from './receive-pages.js';

const { addon, reason } = loadAddon();
const whyNot = reason ?? false;
const isHeld = marksHold();

/** Detaches the piece's memory, as a byte stream does. Returns false if the engine refuses it. */
function detach(piece: Uint8Array): boolean {
  let controller: ReadableByteStreamController | undefined;
  new ReadableStream({
    type: 'bytes',
    start(given) {
      controller = given;
    },
  });
  try {
    controller?.enqueue(piece);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return false;
  }
  return true;
}

describe('the memory that is received into', { skip: whyNot }, () => {
  let native: NativeSockets;
  let pages: ReceivePages;
  let cursors: Int32Array;
  /** Offset of the first aligned place of page 0, which the addon found. */
  let begin: number;

  beforeEach(() => {
    assert.ok(addon !== undefined);
    native = addon.openSockets(() => false, !isHeld);
    pages = new ReceivePages(native);
    cursors = new Int32Array(native.cursors);
    begin = cursorOf(0);
  });

  afterEach(() => {
    native.end();
  });

  function cursorOf(page: number): number {
    return cursors[page] ?? -1;
  }

  /** Returns the place of the piece that the next poll receives first in the page. */
  function placeIn(page: number): number {
    return (page << PAGE_SHIFT) | cursorOf(page);
  }

  /** Receives a large piece that the program keeps. */
  function keep(bytes = LARGE_BYTES, page = 0): Uint8Array {
    const piece = pages.own(placeIn(page), bytes);
    assert.ok(piece !== undefined);
    pages.endDispatch();
    return piece;
  }

  /** Receives a piece on loan, in a dispatch of its own. */
  function lend(bytes: number): { readonly data: Uint8Array; readonly loan: Loan } {
    const place = placeIn(0);
    const loan = pages.loan(place, bytes);
    assert.ok(loan !== undefined);
    const data = pages.lend(place, bytes);
    pages.endDispatch();
    return { data, loan };
  }

  it('gives a small piece to keep as a copy of its own size', () => {
    const piece = keep(LARGE_BYTES - 1);
    assert.equal(piece.buffer.byteLength, LARGE_BYTES - 1);
    assert.equal(cursorOf(0), begin, 'the page is filled from its beginning again');
  });

  it('gives a large piece as a view, at an aligned place, and fills the page behind it', () => {
    const first = keep(LARGE_BYTES);
    const second = keep(LARGE_BYTES + 1);
    const third = keep(LARGE_BYTES);
    assert.ok(first.buffer === second.buffer && second.buffer === third.buffer, 'one page');
    assert.equal(first.buffer.byteLength, PAGE_BYTES);
    for (const piece of [first, second, third]) assert.equal((piece.byteOffset - begin) % PIECE_ALIGN, 0);
    assert.ok(begin < PIECE_ALIGN);
    assert.equal(second.byteOffset, begin + LARGE_BYTES);
    assert.equal(third.byteOffset, begin + 2 * LARGE_BYTES + PIECE_ALIGN, 'behind the second, and aligned');
    assert.equal(cursorOf(0), third.byteOffset + LARGE_BYTES);
  });

  it('replaces a page that has room for no further read', () => {
    const room = PAGE_BYTES - begin;
    keep(READ_BYTES);
    // Exactly as much as one read needs is left, and then one byte less.
    keep(Math.floor((room - READ_BYTES - LEAST_READ_BYTES) / PIECE_ALIGN) * PIECE_ALIGN);
    const last = keep(LARGE_BYTES);
    assert.ok(last.byteOffset + LEAST_READ_BYTES <= PAGE_BYTES);
    const next = keep(LARGE_BYTES);
    assert.notEqual(next.buffer, last.buffer);
    assert.ok(cursorOf(0) < PAGE_BYTES - LEAST_READ_BYTES);
  });

  it('fills the memory of a view again after the dispatch', () => {
    const view = pages.view(placeIn(0), LARGE_BYTES);
    assert.equal(view?.buffer.byteLength, PAGE_BYTES);
    pages.endDispatch();
    assert.equal(cursorOf(0), begin);
    assert.equal(pages.view(placeIn(0), 1)?.buffer.byteLength, 1, 'a small one is a copy');
  });

  it('fills the memory of loans again when all of them are back, and not before', () => {
    const loans = [lend(LARGE_BYTES), lend(LARGE_BYTES)];
    assert.ok(cursorOf(0) >= begin + 2 * LARGE_BYTES);
    loans[1]?.loan.giveBack();
    assert.ok(cursorOf(0) >= begin + 2 * LARGE_BYTES, 'one is still out');
    loans[0]?.loan.giveBack();
    assert.equal(cursorOf(0), begin);
    const again = lend(LARGE_BYTES);
    assert.equal(again.data.buffer, loans[0]?.data.buffer);
    again.loan.giveBack();
    assert.throws(() => again.loan.giveBack(), /given back once/);
  });

  it('leaves a loan that comes back in its own dispatch alone until the dispatch is over', () => {
    const place = placeIn(0);
    const loan = pages.loan(place, LARGE_BYTES);
    pages.lend(place, LARGE_BYTES);
    loan?.giveBack();
    assert.equal(cursorOf(0), begin);
    pages.endDispatch();
    assert.equal(cursorOf(0), begin);
  });

  it('never fills a page again of which a piece is kept', () => {
    const { loan } = lend(LARGE_BYTES);
    keep(LARGE_BYTES);
    const behind = cursorOf(0);
    loan.giveBack();
    assert.equal(cursorOf(0), behind);
  });

  it('copies small packets, which are no loans', () => {
    assert.equal(pages.loan(placeIn(0), LARGE_BYTES - 1), undefined);
    assert.notEqual(pages.loan(placeIn(0), LARGE_BYTES), undefined);
  });

  it(`keeps ${MAX_SPARE_PAGES} pages to use again, and not one more`, () => {
    const used = new Set<ArrayBufferLike>();
    const loans: Loan[] = [];
    // Two reads fill a page.
    for (let page = 0; page <= MAX_SPARE_PAGES; page += 1) {
      for (const bytes of [READ_BYTES, READ_BYTES - PIECE_ALIGN]) {
        const { data, loan } = lend(bytes);
        used.add(data.buffer);
        loans.push(loan);
      }
    }
    assert.equal(used.size, MAX_SPARE_PAGES + 1);
    for (const loan of loans) loan.giveBack();
    const again = new Set<ArrayBufferLike>();
    for (let page = 0; page <= MAX_SPARE_PAGES + 1; page += 1) {
      for (const bytes of [READ_BYTES, READ_BYTES - PIECE_ALIGN]) again.add(lend(bytes).data.buffer);
    }
    assert.equal([...again].filter((buffer) => used.has(buffer)).length, MAX_SPARE_PAGES);
  });

  it(`adds a page when the last one was used, up to ${MAX_PAGES}`, () => {
    const buffers = new Set<ArrayBufferLike>();
    for (let page = 0; page < MAX_PAGES; page += 1) buffers.add(keep(LARGE_BYTES, page).buffer);
    assert.equal(buffers.size, MAX_PAGES);
    assert.throws(() => pages.own(MAX_PAGES << PAGE_SHIFT, LARGE_BYTES), /a piece lies in a page/);
  });

  describe('of which a program takes a page away', { skip: isHeld && 'this engine refuses it' }, () => {
    it('is lost with that page alone, and from then on every piece is a copy', () => {
      const kept = keep(LARGE_BYTES);
      const place = placeIn(0);
      const memory = kept.buffer;
      assert.ok(detach(kept));
      assert.deepEqual([kept.length, memory.byteLength], [0, 0]);
      assert.equal(pages.own(place, LARGE_BYTES), undefined, 'what a poll received into it');
      assert.equal(pages.view(place, LARGE_BYTES), undefined);
      assert.equal(pages.loan(place, LARGE_BYTES), undefined);
      pages.renew();
      const copies = [pages.own(placeIn(0), LARGE_BYTES), pages.view(placeIn(0), LARGE_BYTES)];
      for (const copy of copies) assert.equal(copy?.buffer.byteLength, LARGE_BYTES);
      assert.equal(pages.loan(placeIn(0), LARGE_BYTES), undefined);
      assert.ok(copies[0] !== undefined && detach(copies[0]), 'a copy is the program’s own');
      assert.ok(pages.own(placeIn(0), LARGE_BYTES) !== undefined);
    });

    it('gets another one at the end of the dispatch in which it was taken', () => {
      const kept = pages.own(placeIn(0), LARGE_BYTES);
      assert.ok(kept !== undefined && detach(kept));
      pages.endDispatch();
      assert.equal(pages.own(placeIn(0), LARGE_BYTES)?.length, LARGE_BYTES);
    });

    it('does not use a page again whose loan comes back without its memory', () => {
      const { data, loan } = lend(LARGE_BYTES);
      assert.ok(detach(data));
      loan.giveBack();
      pages.renew();
      assert.equal(pages.own(placeIn(0), LARGE_BYTES)?.length, LARGE_BYTES);
    });
  });

  it('cannot be taken away where marks hold', { skip: !isHeld && 'before Node 24' }, () => {
    const kept = keep(LARGE_BYTES);
    assert.equal(detach(kept), false);
    const { buffer } = kept;
    assert.ok(buffer instanceof ArrayBuffer);
    assert.throws(() => structuredClone(kept, { transfer: [buffer] }), { name: 'DataCloneError' });
    assert.equal(kept.length, LARGE_BYTES);
    assert.equal(keep(LARGE_BYTES).buffer, buffer, 'pieces go on being views');
  });
});
