import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { FlushWaiters } from './flush-waiters.js';

describe('those who wait for a flush', () => {
  it('are answered in the order of their offsets, the last one told of', async () => {
    const waiters = new FlushWaiters();
    const answered: number[] = [];
    const waits = [10, 10, 20].map((upTo) =>
      waiters.wait(upTo, undefined).then(() => {
        answered.push(upTo);
      }),
    );
    assert.equal(waiters.acked(9), false);
    assert.equal(waiters.acked(10), false);
    await waits[1];
    assert.deepEqual(answered, [10, 10]);
    assert.equal(waiters.acked(25), true);
    await Promise.all(waits);
  });

  it('leave no listener on a signal, however they are answered', async () => {
    const { signal } = new AbortController();
    const waiters = new FlushWaiters();
    const done = waiters.wait(1, signal);
    waiters.acked(1);
    await done;
    const cut = waiters.wait(2, signal);
    waiters.end({ code: ErrorCode.ERR_RST });
    await assert.rejects(cut, { name: 'TcpError', code: ErrorCode.ERR_RST });
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  });

  it('that are aborted are rejected with the signal’s reason, and nobody waits any more', async () => {
    const controller = new AbortController();
    const waiters = new FlushWaiters();
    const waiting = waiters.wait(1, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(waiting, { code: ErrorCode.ERR_ABRT, cause: reason });
    assert.equal(waiters.acked(0), true);
  });

  it('are rejected with ERR_CLSD by an end without a fault', async () => {
    const waiters = new FlushWaiters();
    const waiting = waiters.wait(1, undefined);
    waiters.end(undefined);
    await assert.rejects(waiting, { code: ErrorCode.ERR_CLSD });
  });
});
