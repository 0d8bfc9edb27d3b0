import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadAddon } from '../../addon/load-addon.js';
import { PAGE_BYTES, POOL_PAGES } from '../../addon/native-sockets.js';
import { keepFromTransfer, LENT_BYTES, ReceivePool } from './receive-pool.js';

const { addon, reason } = loadAddon();

interface Made {
  readonly pool: ReceivePool;
  readonly memory: Uint8Array;
}

/** A pool on memory of the addon's, filled with a pattern. */
function makePool(): Made {
  assert.ok(addon !== undefined);
  const native = addon.openSockets(() => undefined);
  const memory = new Uint8Array(native.pool);
  for (let index = 0; index < memory.length; index += 1) memory[index] = index % 251;
  return { pool: new ReceivePool(native), memory };
}

const options = { skip: reason ?? false };

describe('what a program may keep', options, () => {
  for (const bytes of [0, 1, 64, 65, 1000, 65_536]) {
    it(`${bytes} bytes are a copy that the pool's next use does not touch`, () => {
      const { pool, memory } = makePool();
      const kept = [8, 16, 24].map((offset) => pool.copy(offset, bytes));
      const expected = [8, 16, 24].map((offset) => memory.slice(offset, offset + bytes));
      memory.fill(0);
      assert.deepEqual(kept, expected);
      for (const piece of kept) assert.notEqual(piece.buffer, memory.buffer);
    });
  }

  it('is memory of its own, which may be transferred', () => {
    const { pool } = makePool();
    for (const bytes of [1, 64, 65, 5000]) {
      const [piece, other] = [pool.copy(0, bytes), pool.copy(0, bytes)];
      assert.equal(piece.buffer.byteLength, bytes);
      structuredClone(piece, { transfer: [piece.buffer as ArrayBuffer] });
      assert.equal(other.length, bytes);
    }
  });
});

const canKeep = keepFromTransfer(new ArrayBuffer(1));
const cannotKeep = canKeep ? false : 'this engine lets a program transfer any memory, so nothing is lent';

it(
  'nothing is lent where a program could take it away',
  { skip: reason ?? (canKeep && 'here nobody can') },
  () => {
    assert.equal(makePool().pool.loan(LENT_BYTES), undefined);
  },
);

describe('what a program gives back', { skip: reason ?? cannotKeep }, () => {
  it(`is the pool's own memory from ${LENT_BYTES} bytes on`, () => {
    const { pool, memory } = makePool();
    assert.equal(pool.loan(LENT_BYTES - 1), undefined);
    assert.ok(pool.loan(LENT_BYTES) !== undefined);
    assert.equal(pool.lend(100, LENT_BYTES).buffer, memory.buffer);
  });

  it('cannot be transferred away with the memory of all the others', () => {
    const { pool } = makePool();
    const piece = pool.lend(0, LENT_BYTES);
    try {
      structuredClone(piece, { transfer: [piece.buffer as ArrayBuffer] });
    } catch (error) {
      // Node 20 makes a copy; newer ones refuse.
      assert.equal(error instanceof Error ? error.name : '', 'DataCloneError');
    }
    // Newer engines have a method for it, which Node 24 and later keep from it.
    const transfer: unknown = Reflect.get(piece.buffer, 'transfer');
    if (typeof transfer === 'function') assert.throws(() => transfer.call(piece.buffer), TypeError);
    assert.equal(piece.length, LENT_BYTES);
  });

  it('leaves its page to the next poll when all of it came back before that', () => {
    const { pool } = makePool();
    for (let poll = 0; poll < 2 * POOL_PAGES; poll += 1) {
      const loans = [pool.loan(LENT_BYTES), pool.loan(LENT_BYTES)];
      for (const loan of loans) {
        assert.ok(loan !== undefined);
        pool.lend(0, LENT_BYTES);
      }
      for (const loan of loans) loan?.giveBack();
      pool.turnPage();
    }
  });

  it('keeps its page from being filled again; the last free page is not lent from', () => {
    const { pool } = makePool();
    const held = [];
    for (let page = 0; page < POOL_PAGES - 1; page += 1) {
      const loan = pool.loan(LENT_BYTES);
      assert.ok(loan !== undefined);
      pool.lend(page * PAGE_BYTES, LENT_BYTES);
      held.push(loan);
      pool.turnPage();
    }
    assert.equal(new Set(held).size, POOL_PAGES - 1);
    assert.equal(pool.loan(LENT_BYTES), undefined);
    held[1]?.giveBack();
    assert.ok(pool.loan(LENT_BYTES) !== undefined);
  });

  it('cannot come back twice', () => {
    const { pool } = makePool();
    const loan = pool.loan(LENT_BYTES);
    pool.lend(0, LENT_BYTES);
    loan?.giveBack();
    assert.throws(() => loan?.giveBack(), /a loan is given back once/);
  });
});
