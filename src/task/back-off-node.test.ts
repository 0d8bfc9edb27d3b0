import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backOffMs } from './back-off-node.js';

it('each restart in a row waits twice as long as the one before, from 100 ms up to 30 s', () => {
  assert.deepEqual([1, 2, 3, 4, 8, 9].map(backOffMs), [100, 200, 400, 800, 12_800, 25_600]);
  assert.deepEqual([10, 11, 1000].map(backOffMs), [30_000, 30_000, 30_000]);
});
