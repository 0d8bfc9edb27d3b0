import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keeper, SHARED_BYTES } from './keep.js';

const POOL_BYTES = 100_000;

describe('what a program is given to keep', () => {
  for (const bytes of [0, 1, 63, 64, 65, 1000, SHARED_BYTES, SHARED_BYTES + 1, 65_536]) {
    it(`${bytes} bytes are a copy that the pool's next use does not touch`, () => {
      const buffer = new ArrayBuffer(POOL_BYTES);
      const pool = new Uint8Array(buffer);
      for (let index = 0; index < POOL_BYTES; index += 1) pool[index] = index % 251;
      const keeper = new Keeper(buffer);
      const kept = [8, 16, 24].map((offset) => keeper.copy(offset, bytes));
      const expected = [8, 16, 24].map((offset) => pool.slice(offset, offset + bytes));
      pool.fill(0);
      assert.deepEqual(kept, expected);
      for (const piece of kept) assert.notEqual(piece.buffer, buffer);
    });
  }

  it('pieces that share memory do not overlap, also where one ends and the next begins', () => {
    const keeper = new Keeper(new ArrayBuffer(POOL_BYTES));
    const pieces = Array.from({ length: 40 }, () => keeper.copy(0, 1000));
    for (const [index, piece] of pieces.entries()) piece.fill(index);
    for (const [index, piece] of pieces.entries()) assert.ok(piece.every((byte) => byte === index));
  });

  it('a small piece holds no more memory than four of the largest that share', () => {
    const keeper = new Keeper(new ArrayBuffer(POOL_BYTES));
    assert.ok(keeper.copy(0, 100).buffer.byteLength <= 4 * SHARED_BYTES);
    assert.equal(keeper.copy(0, SHARED_BYTES + 1).buffer.byteLength, SHARED_BYTES + 1);
  });
});
