/** Socket.IO's server: acknowledges a message with itself, and sends words to everyone in a room. */
import http from 'node:http';
import { Server } from 'socket.io';
import { carry, serve } from './network.js';

const server = carry(http.createServer());
const io = new Server(server, { maxHttpBufferSize: 2_097_152 });
io.on('connection', (socket) => {
  socket.on('echo', (message: unknown, acknowledge: (message: unknown) => void) => acknowledge(message));
  socket.on('join', (room: string, acknowledge: (members: number | undefined) => void) => {
    void socket.join(room);
    acknowledge(io.of('/').adapter.rooms.get(room)?.size);
  });
  socket.on('say', (room: string, words: string) => io.to(room).emit('said', words));
});

serve(server, () => io.close());
