import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callOf } from '../stacks/kernel/system-error.js';
import { loadAddon } from './load-addon.js';
import * as shared from './native-sockets.js';
import * as tunnel from './native-tunnel.js';

const { addon, reason } = loadAddon();

describe('the numbers that C and TypeScript share', { skip: reason ?? false }, () => {
  const { numbers, tunnelNumbers, eventKinds, tcpStates, systemCalls } = addon?.constants() ?? {};
  const { EventKind, LinuxTcpState, ...others } = shared;

  it('are the same, and neither side has one that the other lacks', () => {
    assert.deepEqual(others, numbers);
    assert.deepEqual({ ...tunnel }, tunnelNumbers);
    assert.deepEqual(EventKind, eventKinds);
    assert.deepEqual(LinuxTcpState, tcpStates);
  });

  it('name the same system calls in refusals', () => {
    const calls = Object.entries(systemCalls ?? {});
    assert.ok(calls.length > 0);
    for (const [name, number] of calls) {
      const first = -(number * shared.ERRNO_RANGE + 1);
      const last = -(number * shared.ERRNO_RANGE + shared.ERRNO_RANGE - 1);
      assert.deepEqual([callOf(first), callOf(last)], [name, name]);
    }
    assert.equal(callOf(-((calls.length + 1) * shared.ERRNO_RANGE + 1)), 'unknown');
  });
});
