import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { connectSupervisor, givenVariables, storeHandover } from './handover-node.js';

it('a thread that was not started as a task has no handover', () => {
  assert.equal(connectSupervisor(), undefined);
  assert.deepEqual(givenVariables(), {});
});

it('the configuration and a port to the supervisor are there for every copy of the library', async () => {
  const { port1, port2 } = new MessageChannel();
  storeHandover(port1, { CONFIG_ASYNC_TCP_STACK: 'node' });
  const received: unknown[] = [];
  const all = new Promise<void>((resolve) => {
    port2.on('message', (port: MessagePort) => {
      port.once('message', (value) => {
        received.push(value);
        port.close();
        if (received.length === 2) resolve();
      });
    });
  });
  for (const copy of [1, 2]) {
    assert.deepEqual(givenVariables(), { CONFIG_ASYNC_TCP_STACK: 'node' });
    connectSupervisor()?.postMessage(copy);
  }
  await all;
  assert.deepEqual(received.sort(), [1, 2]);
  port2.close();
});
