/** Sequence numbers are compared modulo 2^32 (RFC 9293 §3.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { seqAdd, seqAtMost, seqDiff, seqLess, seqMax, seqMin, seqOf } from './sequence.js';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const step = fc.integer({ min: 1, max: 2 ** 31 - 1 });

describe('sequence numbers', () => {
  it('are ordered by their distance, across 2^31 and 2^32 as well', () => {
    fc.assert(
      fc.property(word, step, (start, bytes) => {
        const a = seqOf(start);
        const b = seqAdd(a, bytes);
        assert.equal(seqDiff(b, a), bytes);
        assert.ok(seqLess(a, b) && !seqLess(b, a));
        assert.ok(seqAtMost(a, b) && seqAtMost(a, a) && !seqAtMost(b, a));
        assert.equal(seqMax(a, b), b);
        assert.equal(seqMin(a, b), a);
      }),
    );
  });

  it('are small integers', () => {
    for (const value of [2 ** 31, 2 ** 32 - 1, 2 ** 32, -1]) {
      const seq: number = seqOf(value);
      assert.equal(seq, value | 0);
    }
    assert.equal(seqAdd(seqOf(2 ** 31 - 1), 1), -(2 ** 31));
  });
});
