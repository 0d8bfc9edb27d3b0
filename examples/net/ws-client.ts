/** 50 WebSocket clients with ws: each sends ten messages and a larger one, and gets them back in order. */
import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { WebSocket } from 'ws';
import { connect, explicitly, MEGABYTE } from './network.js';

const url = process.argv[2] ?? 'ws://127.0.0.1:8080';

async function talk(id: number, large: Buffer): Promise<void> {
  const socket = new WebSocket(url, explicitly({ createConnection: connect }));
  const answers = on(socket, 'message', { close: ['close'] });
  await once(socket, 'open');
  const messages = [...Array.from({ length: 10 }, (_, n) => Buffer.from(`message ${n} of ${id}`)), large];
  for (const message of messages) socket.send(message);
  for await (const [answer] of answers) {
    assert.deepEqual(answer, messages.shift());
    if (messages.length === 0) socket.close(1000);
  }
  assert.equal(messages.length, 0);
}

await Promise.all(Array.from({ length: 50 }, (_, id) => talk(id, MEGABYTE.subarray(id * 20_000))));
console.log('50 clients got every message back');
