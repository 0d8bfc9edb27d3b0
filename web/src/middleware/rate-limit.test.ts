import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncRateLimitMiddleware } from './rate-limit.js';

describe('a rate limit', () => {
  it('lets a client make all its requests at once, and gives them back evenly', () => {
    let now = 100;
    const limit = new AsyncRateLimitMiddleware(() => now).setMaxRequests(3).setWindowSize(9);
    const take = (): number => limit.take('a', 10);
    assert.deepEqual([take(), take(), take(), take(), take()], [0, 0, 0, 3, 3]);
    now += 2999;
    assert.equal(take(), 1);
    now += 1;
    assert.deepEqual([take(), take()], [0, 3]);
    now += 1_000_000;
    assert.deepEqual([take(), take(), take(), take()], [0, 0, 0, 3]);
  });

  it('gives exactly the number of requests, whatever the fraction', () => {
    for (const count of [1, 7, 30, 49, 1000]) {
      const limit = new AsyncRateLimitMiddleware(() => 12_345.678).setMaxRequests(count).setWindowSize(1);
      const taken = Array.from({ length: count }, () => limit.take('a', 1));
      assert.ok(
        taken.every((wait) => wait === 0),
        String(count),
      );
      assert.equal(limit.take('a', 1), 1);
    }
  });

  it('counts each client by itself', () => {
    const limit = new AsyncRateLimitMiddleware(() => 0).setMaxRequests(1);
    assert.deepEqual([limit.take('a', 10), limit.take('b', 10), limit.take('a', 10)], [0, 0, 60]);
  });

  it('forgets the client that was quiet longest when there are more than the limit', () => {
    const limit = new AsyncRateLimitMiddleware(() => 0).setMaxRequests(2);
    for (const client of ['a', 'b', 'a', 'c']) assert.equal(limit.take(client, 2), 0);
    assert.notEqual(limit.take('a', 2), 0);
    assert.deepEqual([limit.take('b', 2), limit.take('b', 2)], [0, 0]);
  });

  it('refuses settings that are no numbers above 0', () => {
    const limit = new AsyncRateLimitMiddleware();
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => limit.setMaxRequests(bad), RangeError);
      assert.throws(() => limit.setWindowSize(bad), RangeError);
    }
  });
});
