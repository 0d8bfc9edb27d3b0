import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { isStarvation, systemError } from './system-error.js';

/** Returns a refusal as native/refusal.h makes it. */
function refusal(call: number, errno: number): number {
  return -(call * 4096 + errno);
}

describe('a refusal as an error', () => {
  it('is what node:net says of the same', async () => {
    const socket = connect(1, '127.0.0.1');
    const [theirs] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    const ours = systemError(refusal(3, constants.errno.ECONNREFUSED), { address: '127.0.0.1', port: 1 });
    assert.equal(ours.message, theirs.message);
    assert.deepEqual(Object.entries(ours).sort(), Object.entries(theirs).sort());
  });

  it('distinguishes want of memory from faults of the connection', () => {
    const { ENOMEM, ENOBUFS, ECONNRESET, EPIPE } = constants.errno;
    assert.deepEqual(
      [ENOMEM, ENOBUFS, ECONNRESET, EPIPE].map((errno) => isStarvation(refusal(11, errno))),
      [true, true, false, false],
    );
    // A call that follows sending: the bytes were taken.
    assert.equal(isStarvation(refusal(15, ENOMEM)), false);
  });
});
