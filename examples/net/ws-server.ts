/** A WebSocket server with ws: sends each message back. */
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { carry, serve } from './network.js';

const server = carry(http.createServer());
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
  });
});

serve(server, () => {
  for (const socket of sockets.clients) socket.close();
  server.close();
});
