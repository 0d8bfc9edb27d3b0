import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HIGHEST_PRIORITY, niceOfPriority, priorityOfNice } from './priority.js';

/** The mapping in the documentation for users. */
const WRITTEN: readonly (readonly [priority: number, nice: number])[] = [
  [0, 19],
  [1, 13],
  [2, 6],
  [3, 0],
  [4, -1],
  [5, -2],
  [10, -7],
  [15, -11],
  [20, -16],
  [24, -20],
];

it('FreeRTOS priorities have the nice values of the documentation', () => {
  for (const [priority, nice] of WRITTEN)
    assert.equal(niceOfPriority(priority), nice, `priority ${priority}`);
});

it('a higher priority is never a nicer thread, and every priority follows from its nice value', () => {
  for (let priority = 0; priority <= HIGHEST_PRIORITY; priority += 1) {
    const nice = niceOfPriority(priority);
    assert.ok(nice >= -20 && nice <= 19 && Number.isInteger(nice));
    assert.equal(priorityOfNice(nice, priority), priority);
    if (priority > 0) assert.ok(nice <= niceOfPriority(priority - 1));
  }
});

it('a nice value between two priorities is the nearest one', () => {
  assert.equal(priorityOfNice(10, 3), 1);
  assert.equal(priorityOfNice(5, 3), 2);
  assert.equal(priorityOfNice(17, 24), 0);
});
