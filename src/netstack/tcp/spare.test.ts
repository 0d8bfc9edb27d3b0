/** Objects that are kept for later. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MOST_SENT_SEGMENTS, MOST_SPARE_SEGMENTS, SentSegmentPool } from './sent-segment.js';
import { MOST_SPARE, Spare } from './spare.js';

it(`at most ${MOST_SPARE} objects of a kind are kept, and they are used again`, () => {
  const spare = new Spare(() => ({}));
  const taken = new Set(Array.from({ length: MOST_SPARE + 1 }, () => spare.take()));
  assert.equal(taken.size, MOST_SPARE + 1);
  for (const object of taken) spare.give(object);
  for (let count = 0; count < MOST_SPARE; count += 1) assert.ok(taken.delete(spare.take()));
  assert.ok(!taken.has(spare.take()));
});

it(`at most ${MOST_SPARE_SEGMENTS} segments are kept: those of one connection`, () => {
  assert.equal(MOST_SPARE_SEGMENTS, MOST_SENT_SEGMENTS);
  const pool = new SentSegmentPool();
  const taken = new Set(Array.from({ length: MOST_SPARE_SEGMENTS + 1 }, () => pool.take()));
  for (const segment of taken) pool.give(segment);
  for (let count = 0; count < MOST_SPARE_SEGMENTS; count += 1) assert.ok(taken.delete(pool.take()));
  assert.ok(!taken.has(pool.take()));
});
