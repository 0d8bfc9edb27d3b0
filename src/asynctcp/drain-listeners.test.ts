import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { AsyncClient } from './async-client.js';
import { AsyncServer } from './async-server.js';
import { drainListeners } from './thread-registry.js';

interface Served {
  readonly stack: MemoryStack;
  readonly client: AsyncClient;
  readonly ends: string[];
  received: string;
}

/** Connects a client to a server that echoes. */
async function serve(): Promise<Served> {
  const stack = new MemoryStack();
  const server = new AsyncServer(7, { stack });
  server.onClient((client) => {
    client.onData((_, data) => {
      client.write(data);
    });
  });
  await server.begin();
  const client = await AsyncClient.open('127.0.0.1', 7, { stack });
  // The server has accepted it then.
  await stack.settle();
  const served: Served = { stack, client, ends: [], received: '' };
  client.onData((_, data) => (served.received += new TextDecoder().decode(data)));
  client.onDisconnect((_, reason) => served.ends.push(reason));
  return served;
}

describe('the servers of a task that drains', () => {
  it('refuse connections at once, and leave their clients alone for the time that they are given', async () => {
    const served = await serve();
    const { stack, client } = served;
    let isOver = false;
    void drainListeners(500).then(() => (isOver = true));
    await assert.rejects(AsyncClient.open('127.0.0.1', 7, { stack }), { code: -14 });
    await stack.run(499);
    client.write('late');
    await stack.settle();
    assert.deepEqual([served.received, served.ends, isOver], ['late', [], false]);
    await stack.run(1);
    assert.deepEqual([served.ends, isOver], [['ended'], true]);
  });

  it('are over as soon as their clients are', async () => {
    const { stack, client } = await serve();
    let isOver = false;
    void drainListeners(500).then(() => (isOver = true));
    client.close();
    await stack.settle();
    assert.equal(isOver, true);
  });

  it('reset a client that does not end within another second', async () => {
    const served = await serve();
    const { stack, client } = served;
    client.setAllowHalfOpen(true);
    let isOver = false;
    void drainListeners(500).then(() => (isOver = true));
    await stack.run(1499);
    assert.deepEqual([served.ends, isOver], [[], false]);
    await stack.run(1);
    assert.deepEqual([served.ends, isOver], [['error'], true]);
  });
});
