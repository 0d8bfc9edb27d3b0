// A server on node:net without a library.

import { once } from 'node:events';
import * as net from 'node:net';

import { announce, askedMode, CHUNK, fault } from './child.js';

const mode = askedMode();

function sendWithoutEnd(socket: net.Socket): void {
  const fill = (): void => {
    while (socket.write(CHUNK));
  };
  socket.on('drain', fill);
  socket.resume();
  fill();
}

const server = net.createServer({ noDelay: true }, (socket) => {
  if (mode === 'send') {
    socket.on('error', () => undefined); // the reader goes away in the middle
    sendWithoutEnd(socket);
    return;
  }
  socket.on('error', (error) => fault(`a connection failed: ${error.message}`));
  if (mode === 'discard') {
    socket.on('data', () => undefined);
    return;
  }
  // write() queues the bytes that the kernel does not take, so it takes everything.
  socket.on('data', (data) => {
    socket.write(data);
  });
});

server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
if (address === null || typeof address === 'string') fault('the server has no port');
announce(address.port);
