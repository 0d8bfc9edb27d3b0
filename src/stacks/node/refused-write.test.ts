import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { it } from 'node:test';
import { AsyncClient, TcpState } from 'asynctcp';

it('bytes that the kernel refused are not acknowledged: the connection is over at once', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted: Socket[] = [];
  server.on('connection', (socket) => accepted.push(socket.on('error', () => undefined).resume()));
  const [first, second] = [
    await AsyncClient.open('127.0.0.1', port, { stack: 'node' }),
    await AsyncClient.open('127.0.0.1', port, { stack: 'node' }),
  ];
  while (accepted.length < 2) await once(server, 'connection');
  const peer = accepted.find(({ remotePort }) => remotePort === second.localPort());
  assert.ok(peer !== undefined);

  let acked = 0;
  const atOnce: unknown[] = [];
  second.onAck((_, bytes) => (acked += bytes));
  const over = new Promise<void>((resolve) => {
    second.onDisconnect(() => {
      resolve();
    });
  });
  first.onAck(() => {
    first.onAck(undefined);
    // The second's acknowledgement of one byte waits in this same turn.
    peer.resetAndDestroy();
    second.add(new Uint8Array(1000));
    second.send();
    atOnce.push(second.state(), second.space(), second.send());
  });
  first.write('x');
  second.write('y');
  await over;
  assert.deepEqual(atOnce, [TcpState.CLOSED, 0, false]);
  assert.ok(acked <= 1, `${acked} bytes were reported as acknowledged, and the kernel took one`);
  first.close();
  server.close();
});
