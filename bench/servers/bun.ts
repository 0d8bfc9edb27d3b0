// The same server on Bun's own sockets. It only runs on Bun. The types of Bun that it needs are declared
// here.

import { announce, askedMode, CHUNK, fault } from './child.js';

interface Socket {
  /** Bytes of the chunk that mode `send` has sent. */
  data: number;
  /** Returns the number of bytes that the kernel took. `drain` follows when there is space again. */
  write(bytes: Uint8Array): number;
  setNoDelay(on: boolean): void;
}

interface Handlers {
  open(socket: Socket): void;
  data(socket: Socket, bytes: Uint8Array): void;
  drain(socket: Socket): void;
  error(socket: Socket, error: Error): void;
}

declare const Bun: {
  listen(options: { hostname: string; port: number; socket: Handlers }): { readonly port: number };
};

const mode = askedMode();

function sendOn(socket: Socket): void {
  for (;;) {
    const rest = CHUNK.subarray(socket.data);
    const taken = Math.max(socket.write(rest), 0);
    socket.data = (socket.data + taken) % CHUNK.length;
    if (taken < rest.length) return;
  }
}

const listener = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open: (socket) => {
      socket.setNoDelay(true);
      socket.data = 0;
      if (mode === 'send') sendOn(socket);
    },
    data: (socket, bytes) => {
      if (mode !== 'echo') return;
      // There is space for the whole message, because each connection has one message at a time.
      const taken = socket.write(bytes);
      if (taken !== bytes.length) fault(`write took ${taken} of ${bytes.length} bytes`);
    },
    drain: (socket) => {
      if (mode === 'send') sendOn(socket);
    },
    error: (_, error) => {
      if (mode !== 'send') fault(`a connection failed: ${error.message}`);
    },
  },
});
announce(listener.port);
