import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect, createServer } from '../net.js';

describe('diagnostics channels of node:net', () => {
  it('announce sockets of both directions, an outgoing one before it connects', async (test) => {
    const order: unknown[] = [];
    for (const name of ['net.client.socket', 'net.server.socket']) {
      const listener = (message: unknown): void => {
        order.push(name, message);
      };
      subscribe(name, listener);
      test.after(() => unsubscribe(name, listener));
    }
    const accepted: unknown[] = [];
    const server = createServer((socket) => {
      accepted.push(socket);
      socket.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    const socket = connect(address.port, '127.0.0.1', () => order.push('connect'));
    socket.resume();
    await once(socket, 'close');
    server.close();
    await once(server, 'close');

    assert.deepEqual(order.slice(0, 2), ['net.client.socket', { socket }]);
    assert.deepEqual(order[order.indexOf('net.server.socket') + 1], { socket: accepted[0] });
    assert.ok(order.includes('connect'));
  });
});
