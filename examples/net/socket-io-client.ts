/** 50 clients with socket.io-client in one room: each gets its megabyte back, and what each of them says. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { io } from 'socket.io-client';
import { connect, explicitly, MEGABYTE } from './network.js';

const url = process.argv[2] ?? 'http://127.0.0.1:8080';
const agent = Object.assign(new http.Agent({ keepAlive: true }), explicitly({ createConnection: connect }));
// Each client is a connection of its own: it begins with requests, and goes on as a WebSocket.
const options = { agent: agent as unknown as string, forceNew: true };
const sockets = Array.from({ length: 50 }, () => io(url, options));

for (const socket of sockets) {
  await socket.emitWithAck('join', 'all');
}
const heard = sockets.map((socket) => {
  const words = new Set<string>();
  return new Promise<void>((resolve) => {
    socket.on('said', (said: string) => {
      if (words.add(said).size === sockets.length) resolve();
    });
  });
});
for (const [id, socket] of sockets.entries()) socket.emit('say', 'all', `hello from ${id}`);
await Promise.all(heard);
console.log('50 clients heard each other');

const [first, ...others] = sockets;
for (const socket of others) socket.disconnect();
assert.deepEqual(await first?.timeout(10_000).emitWithAck('echo', MEGABYTE), MEGABYTE);
console.log('the megabyte came back');
first?.disconnect();
agent.destroy();
