import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BlockedTime } from './blocked-time.js';

it('counts while the same callback is seen, from its first sample on', () => {
  const blocked = new BlockedTime();
  assert.equal(blocked.sample(17, 1000, 100), 0);
  assert.equal(blocked.sample(17, 1050, 100), 50);
  assert.equal(blocked.sample(17, 1100, 100), 100);
  assert.equal(blocked.sample(33, 1150, 100), 0, 'another callback');
  assert.equal(blocked.sample(33, 1200, 100), 50);
});

it('counts nothing between callbacks', () => {
  const blocked = new BlockedTime();
  for (const nowMs of [0, 50, 100]) assert.equal(blocked.sample(0, nowMs, 100), 0);
  assert.equal(blocked.sample(17, 150, 100), 0);
  assert.equal(blocked.sample(0, 200, 100), 0);
  assert.equal(blocked.sample(17, 250, 100), 0, 'a callback that ended and came again is not one');
});

it('counts no more than its own rhythm where everything stood still', () => {
  const blocked = new BlockedTime();
  blocked.sample(17, 0, 100);
  blocked.sample(17, 50, 100);
  assert.equal(blocked.sample(17, 3_600_000, 100), 150, 'after an hour of SIGSTOP');
});
