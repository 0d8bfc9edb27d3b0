import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AckTimeout, POLL_INTERVAL_MS } from './ack-timeout.js';

it('the ack timeout counts from where it began, repeats at the polls, and 0 is off', () => {
  const timeout = new AckTimeout();
  timeout.begin(100, 5000);
  assert.equal(timeout.atMs, 5100);
  timeout.setTimeout(2000);
  assert.equal(timeout.atMs, 2100);
  assert.deepEqual([timeout.came(2100), timeout.atMs], [2000, 2100 + POLL_INTERVAL_MS]);
  timeout.setTimeout(0);
  assert.equal(timeout.atMs, Number.POSITIVE_INFINITY);
});
