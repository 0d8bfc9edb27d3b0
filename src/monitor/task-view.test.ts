import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { WatchdogBite } from '../task/watchdog-bite.js';
import { biteLine, MOST_BITES, TaskView } from './task-view.js';

const BITE: WatchdogBite = {
  handler: 'onData',
  blockedMs: 5000,
  timeoutMs: 1000,
  threadId: 0,
  client: undefined,
  backtrace: ['stuck (app.js:1:1)'],
  panic: false,
};

it('the last bites are kept, a bounded number', () => {
  const view = new TaskView();
  for (let atMs = 0; atMs <= MOST_BITES; atMs += 1) view.bite(BITE, atMs);
  const { bites, callbacks } = view.figures(0);
  assert.deepEqual([bites.length, bites[0]?.atMs, bites.at(-1)?.atMs], [MOST_BITES, 1, MOST_BITES]);
  assert.deepEqual([bites[0]?.backtrace, callbacks], [BITE.backtrace, []]);
});

it('the line of a bite names the handler and the time', () => {
  assert.match(biteLine(BITE), /^onData: Task watchdog got triggered\. .* for 5\.00 s\.$/);
});

it('a task whose runtime cannot be probed has the settings alone', () => {
  const { core, stackWords, stackHighWaterMark } = new TaskView().figures(0);
  assert.deepEqual([core, stackWords, stackHighWaterMark], [-1, null, null]);
});
