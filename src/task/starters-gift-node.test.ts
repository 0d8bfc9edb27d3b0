import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { givenVariables, leaveGift, takeSupervisor } from './starters-gift-node.js';

it('a thread that nobody started as a task was given nothing', () => {
  assert.equal(takeSupervisor(), undefined);
  assert.deepEqual(givenVariables(), {});
});

it('the configuration is there for every copy of the library, the port for one', () => {
  const { port1, port2 } = new MessageChannel();
  leaveGift(port1, { CONFIG_ASYNC_TCP_STACK: 'node' });
  for (let copy = 0; copy < 2; copy += 1)
    assert.deepEqual(givenVariables(), { CONFIG_ASYNC_TCP_STACK: 'node' });
  assert.equal(takeSupervisor(), port1);
  assert.equal(takeSupervisor(), undefined);
  port2.close();
});
