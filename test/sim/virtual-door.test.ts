import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from 'asynctcp';
import { connect, createServer } from 'asynctcp/net';
import { readLine, write } from 'asynctcp/streams';
import { startMonitor } from 'asynctcp/monitor';
import { checkDeterminism, Network, virtualStack, type Host } from 'asynctcp/virtual';

/** Adds two hosts, of which `far` echoes on port 80. Returns the other one. */
function addEchoHosts(network: Network): Host {
  const near = network.host('near', { address: '10.0.0.1' });
  const far = network.host('far', { address: '10.0.0.2', profile: 'esp32' });
  network.link(near, far, { delayMs: 20 });
  const server = new AsyncServer(80, { stack: far.stack });
  server.onClient((client) => client.onData((_, data) => client.write(data)));
  void server.begin();
  return near;
}

async function talk(near: Host): Promise<string | undefined> {
  const client = await AsyncClient.open('far', 80, { stack: near.stack });
  await write(client, 'hello\n');
  const line = await readLine(client);
  client.close();
  return line;
}

describe('asynctcp/virtual', () => {
  it('gives hosts whose clients reach each other, by name, in virtual time', async () => {
    const network = new Network({ seed: 1 });
    assert.equal(await network.runUntil(talk(addEchoHosts(network))), 'hello');
    assert.ok(network.nowMs >= 80 && network.nowMs < 1000, `${network.nowMs} ms for two round trips`);
  });

  it('gives the same packets for the same seed', async () => {
    const packets = await checkDeterminism((network) => network.runUntil(talk(addEchoHosts(network))));
    assert.ok(packets >= 8, `${packets} packets`);
  });

  it('gives a stack on the loopback in the time of the machine', async () => {
    const stack = virtualStack();
    assert.equal(stack.capabilities.virtualTime, false);
    for (const host of ['127.0.0.1', '::1', 'localhost']) {
      const server = new AsyncServer(0, { stack });
      server.onClient((client) => client.write('welcome\n'));
      await server.begin();
      const client = await AsyncClient.open(host, server.port(), { stack });
      assert.equal(await readLine(client), 'welcome');
      client.close();
      await server.end({ clients: 'abort' });
    }
    await stack.close();
  });

  it('carries the sockets of asynctcp/net', async () => {
    const stack = virtualStack();
    const server = createServer({ stack }, (socket) => socket.end('from the server'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const socket = connect({ port: address.port, host: '127.0.0.1', stack });
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    await once(socket, 'close');
    assert.equal(text, 'from the server');
    server.close();
    await stack.close();
  });

  it('is watched by the monitor', async () => {
    const monitor = startMonitor();
    const stack = virtualStack();
    const server = new AsyncServer(0, { stack });
    server.onClient((client) => client.write('figures\n'));
    await server.begin();
    const client = await AsyncClient.open('127.0.0.1', server.port(), { stack });
    assert.equal(await readLine(client), 'figures');
    assert.ok(monitor.snapshot().connections.length >= 2, 'both ends are seen');
    monitor.end();
    client.close();
    await server.end({ clients: 'abort' });
    await stack.close();
  });
});
