import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { memoryStack, recordingStack } from '../index.js';
import { connect, createServer } from '../net.js';

/** More than the system's buffers of a connection hold. */
const PIECES = 400;
const PIECE_BYTES = 40_000;

const pieceOf = (index: number): string => String(index % 10).repeat(PIECE_BYTES);

/** Returns what a plain socket of node:net gets that connects to a server on asynctcp. */
async function received(send: (socket: net.Socket) => void): Promise<string> {
  const server = createServer(send).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client: Readable = net.connect(address.port, '127.0.0.1');
  const bytes = await buffer(client);
  server.close();
  await once(server, 'close');
  return bytes.toString('latin1');
}

describe('the writes of a socket', () => {
  const expected = Array.from({ length: PIECES }, (_, index) => pieceOf(index)).join('');

  it('send the small pieces of one write unchanged, however long they wait', async () => {
    const text = await received((socket) => {
      socket.cork();
      for (let index = 0; index < PIECES; index += 1) {
        socket.write(index % 2 === 0 ? pieceOf(index) : Buffer.from(pieceOf(index)));
      }
      socket.uncork();
      socket.end();
    });
    assert.ok(text === expected, `${text.length} bytes of ${expected.length}, or others`);
  });

  it('send large pieces between small ones in order, however long they wait', async () => {
    const large = Buffer.alloc(300_000, 'large ');
    const text = await received((socket) => {
      for (let round = 0; round < 20; round += 1) {
        socket.cork();
        socket.write(`${round}:`);
        socket.write(large);
        socket.write(Buffer.from('.'));
        socket.uncork();
      }
      socket.end();
    });
    const whole = Array.from({ length: 20 }, (_, round) => `${round}:${large.toString()}.`).join('');
    assert.ok(text === whole, `${text.length} bytes of ${whole.length}, or others`);
  });

  it('send texts one after the other unchanged, however long they wait', async () => {
    const text = await received((socket) => {
      let index = 0;
      const sendNext = (): void => {
        if (index === PIECES) socket.end();
        else socket.write(pieceOf(index++), 'latin1', sendNext);
      };
      sendNext();
    });
    assert.ok(text === expected, `${text.length} bytes of ${expected.length}, or others`);
  });
});

/** Returns the settings of keep-alive that a client's connection got. */
async function keepAliveOf(set: (socket: net.Socket) => void): Promise<string[]> {
  const stack = recordingStack(memoryStack());
  const server = createServer({ stack }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client = connect({ port: address.port, host: '127.0.0.1', stack });
  set(client);
  await Promise.all([once(client, 'connect'), once(server, 'connection')]);
  client.destroy();
  server.close();
  await once(server, 'close');
  return stack.lines().flatMap((line) => /setKeepAlive (.*)/.exec(line)?.[1] ?? []);
}

describe('keep-alive of a socket', () => {
  it('has libuv’s interval and number of probes, so that a dead peer is found as soon as by Node', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.once('connect', () => socket.setKeepAlive(true, 60_000));
    });
    assert.deepEqual(lines, ['idleMs=60000 intervalMs=1000 probes=10']);
  });

  it('is the system’s own if no time is named', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.once('connect', () => socket.setKeepAlive(true));
    });
    assert.deepEqual(lines, ['idleMs=7200000 intervalMs=75000 probes=9']);
  });

  it('that is set before the connection opens comes into force when it does', async () => {
    const lines = await keepAliveOf((socket) => {
      socket.setKeepAlive(true, 5000);
    });
    assert.deepEqual(lines, ['idleMs=5000 intervalMs=1000 probes=10']);
  });
});
