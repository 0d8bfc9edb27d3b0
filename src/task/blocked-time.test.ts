import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BlockedTime } from './blocked-time.js';

it('counts while the same callback is seen, from its first sample on', () => {
  const blocked = new BlockedTime(100);
  assert.equal(blocked.sample(17, 1000), 0);
  assert.equal(blocked.sample(17, 1050), 50);
  assert.equal(blocked.sample(17, 1100), 100);
  assert.equal(blocked.sample(33, 1150), 0, 'another callback');
  assert.equal(blocked.sample(33, 1200), 50);
});

it('counts nothing between callbacks', () => {
  const blocked = new BlockedTime(100);
  for (const nowMs of [0, 50, 100]) assert.equal(blocked.sample(0, nowMs), 0);
  assert.equal(blocked.sample(17, 150), 0);
  assert.equal(blocked.sample(0, 200), 0);
  assert.equal(blocked.sample(17, 250), 0, 'a callback that ended and came again is not one');
});

it('counts no more than its own rhythm where everything stood still', () => {
  const blocked = new BlockedTime(100);
  blocked.sample(17, 0);
  blocked.sample(17, 50);
  assert.equal(blocked.sample(17, 3_600_000), 150, 'after an hour of SIGSTOP');
});
