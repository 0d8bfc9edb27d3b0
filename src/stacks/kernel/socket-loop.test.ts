import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AsyncClient } from '../../asynctcp/async-client.js';
import { AsyncServer } from '../../asynctcp/async-server.js';
import { loadAddon } from '../../addon/load-addon.js';
import { KernelStack } from './kernel-stack.js';

const { addon, reason } = loadAddon();

/** As in `native/sockets.h`. */
const MAX_ROUNDS = 16;
const ENOUGH_WORK = 512;

/**
 * Connections of which both ends answer each other for ever in one loop: there is always something to read.
 * Gives the most callbacks between two turns of the loop.
 */
async function busiestTurn(connections: number, turns: number): Promise<number> {
  assert.ok(addon !== undefined);
  const stack = new KernelStack(addon);
  const server = new AsyncServer(0, { address: '127.0.0.1', stack });
  const clients: AsyncClient[] = [];
  const heard = new Set<AsyncClient>();
  let callbacks = 0;
  const answer = (client: AsyncClient, data: Uint8Array): void => {
    callbacks += 1;
    heard.add(client);
    client.write(data);
  };
  server.onClient((client) => {
    clients.push(client);
    client.onData(answer);
    client.write('ball');
  });
  await server.begin();
  for (let count = 0; count < connections; count += 1) {
    const client = new AsyncClient({ stack });
    client.onData(answer);
    clients.push(client);
    client.connect('127.0.0.1', server.port());
  }
  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  while (heard.size < 2 * connections) await nextTurn();
  let most = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    callbacks = 0;
    await nextTurn();
    most = Math.max(most, callbacks);
  }
  for (const client of clients) client.abort();
  await server.end();
  return most;
}

for (const [connections, bound] of [
  [5, MAX_ROUNDS * 2 * 5],
  // A poll that goes beyond what was enough has as much again at most.
  [400, 2 * ENOUGH_WORK],
] as const) {
  it(
    `${connections} connections that are always ready leave the loop its turns`,
    { skip: reason ?? false },
    async () => {
      const most = await busiestTurn(connections, 200);
      assert.ok(most <= bound, `${most} callbacks in a turn`);
      assert.ok(most > 2 * connections || most >= ENOUGH_WORK, 'a turn has several rounds');
    },
  );
}
