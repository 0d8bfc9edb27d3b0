import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkTasksOptions, MAX_DRAIN_MS } from './tasks-options.js';

it('the times of tasks have defaults', () => {
  assert.deepEqual(checkTasksOptions({}), { drainMs: 10_000, startMs: 30_000 });
});

it('the times of tasks have limits', () => {
  const limits = { drainMs: MAX_DRAIN_MS, startMs: MAX_DRAIN_MS };
  assert.deepEqual(checkTasksOptions(limits), limits);
  assert.deepEqual(checkTasksOptions({ drainMs: 0, startMs: 1 }), { drainMs: 0, startMs: 1 });
  for (const name of ['drainMs', 'startMs'] as const) {
    assert.throws(() => checkTasksOptions({ [name]: MAX_DRAIN_MS + 1 }), {
      name: 'RangeError',
      message: /to 86400000 ms/,
    });
  }
  assert.throws(() => checkTasksOptions({ startMs: 0 }), RangeError);
});
