/** A local address that the runtime refuses, on `node`, leaves a client as it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { AsyncClient, nodeStack } from 'asynctcp';

it('a local address that the runtime refuses leaves the client usable', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new AsyncClient({ stack: nodeStack() });
  const over = new Promise<void>((resolve) => {
    client.onDisconnect(() => resolve());
  });
  // A zone that an interface may be called by; `node:net` refuses the underscore in some versions.
  try {
    if (client.connect('::1', port, { localAddress: 'fe80::1%a_b' })) await over;
  } catch {
    // An error that says so is as good, as long as nothing has begun.
  }
  try {
    assert.equal(client.stateToString(), 'Closed');
    const connected = new Promise<void>((resolve) => {
      client.onConnect(() => resolve());
    });
    assert.equal(client.connect('127.0.0.1', port), true);
    await connected;
  } finally {
    client.abort();
    server.close();
  }
});
