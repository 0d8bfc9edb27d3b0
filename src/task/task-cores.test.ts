import assert from 'node:assert/strict';
import { it } from 'node:test';
import { coresOf } from './task-cores.js';

it('each task has a core of its own, from the first on, and over again when they are used up', () => {
  assert.deepEqual(coresOf(3, 0, [0, 1, 2, 3]), [0, 1, 2]);
  assert.deepEqual(coresOf(5, 2, [0, 2, 5]), [2, 5, 0, 2, 5]);
});

it('no task is pinned where the first core is -1, and one that is not usable is reported by each task', () => {
  assert.deepEqual(coresOf(2, -1, [0, 1]), [-1, -1]);
  assert.deepEqual(coresOf(2, 7, [0, 1]), [7, 7]);
  assert.deepEqual(coresOf(2, 1, []), [1, 1]);
});
