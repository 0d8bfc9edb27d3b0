/** A connection that the peer has reset: what arrived before is delivered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import plain from 'node:net';
import { it } from 'node:test';
import { loadAddon } from '#src/addon/load-addon.js';
import { connect } from 'asynctcp/net';

const BYTES = 18_000;

const { reason } = loadAddon();

it(
  'data that arrived before a reset is delivered, though the program ends its side after the reset',
  { skip: reason ?? false },
  async () => {
    const listener = plain.createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const place = listener.address();
    assert.ok(typeof place === 'object' && place !== null);
    const accepted: Promise<unknown[]> = once(listener, 'connection');
    const socket = connect({ host: '127.0.0.1', port: place.port, stack: 'kernel' });
    socket.pause();
    await once(socket, 'connect');
    const [peer] = await accepted;
    assert.ok(peer instanceof plain.Socket);
    await new Promise((resolve) => peer.write(Buffer.alloc(BYTES), resolve));
    peer.resetAndDestroy();
    await once(peer, 'close');
    let received = 0;
    socket.on('data', (data: Buffer) => (received += data.length));
    const failed: Promise<unknown[]> = once(socket, 'error');
    socket.end();
    socket.resume();
    const [error] = await failed;
    assert.ok(error instanceof Error && 'code' in error);
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(received, BYTES);
    listener.close();
  },
);
