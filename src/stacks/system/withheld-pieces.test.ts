import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WINDOW_BYTES_PER_PIECE, WithheldPieces } from './withheld-pieces.js';

describe('pieces that are withheld', () => {
  it(`are one for each ${WINDOW_BYTES_PER_PIECE} bytes of the window; the next ones are joined`, () => {
    const pieces = new WithheldPieces(131_072);
    for (let count = 0; count < 511; count += 1) pieces.delivered(1);
    assert.equal(pieces.isFull, false);
    pieces.delivered(1);
    assert.deepEqual([pieces.isFull, pieces.bytes], [true, 512]);
  });

  it('are one at least, however small the window', () => {
    const pieces = new WithheldPieces(1);
    assert.equal(pieces.isFull, false);
    pieces.delivered(1);
    assert.equal(pieces.isFull, true);
  });

  it('go by the share of the bytes that are given back', () => {
    const pieces = new WithheldPieces(4 * WINDOW_BYTES_PER_PIECE);
    for (let count = 0; count < 4; count += 1) pieces.delivered(10);
    pieces.returned(9);
    assert.deepEqual([pieces.isFull, pieces.bytes], [false, 31]);
    pieces.delivered(1);
    assert.equal(pieces.isFull, true);
    pieces.returned(16);
    pieces.delivered(1);
    assert.equal(pieces.isFull, false);
  });

  it('are none when all bytes are back', () => {
    const pieces = new WithheldPieces(3 * WINDOW_BYTES_PER_PIECE);
    for (let round = 0; round < 1000; round += 1) {
      for (const bytes of [1, 2, 3]) pieces.delivered(bytes);
      assert.equal(pieces.isFull, true);
      for (const bytes of [3, 2, 1]) pieces.returned(bytes);
      assert.deepEqual([pieces.isFull, pieces.bytes], [false, 0]);
    }
    pieces.delivered(0);
    pieces.returned(0);
    assert.equal(pieces.isFull, false);
  });
});
