// The reference: an echo server on plain node:net, as one writes it without a library.

import { once } from 'node:events';
import * as net from 'node:net';

import { fault, serve } from './child.js';

const server = net.createServer({ noDelay: true }, (socket) => {
  // write() queues what the kernel does not take, so it always takes everything.
  socket.on('data', (data) => {
    socket.write(data);
  });
  socket.on('error', (error) => fault(`a connection failed: ${error.message}`));
});

await serve(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') fault('the server has no port');
  return address.port;
});
