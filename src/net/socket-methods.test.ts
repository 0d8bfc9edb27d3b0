import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { createServer } from '../net.js';

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
