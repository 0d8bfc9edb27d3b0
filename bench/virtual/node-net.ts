// node:net with both ends in one thread, over the loopback interface.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { type Batch, CHUNK, type Contestant, Countdown, MESSAGE, MESSAGE_BYTES } from './contestant.js';

async function serve(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ noDelay: true }, onSocket);
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

export class NodeNetContestant implements Contestant {
  async echo(connections: number): Promise<Batch> {
    const { port } = await serve((socket) => {
      socket.on('data', (data) => {
        socket.write(data);
      });
    });
    const countdown = new Countdown();
    let unsent = 0;
    let bytes = 0;
    const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
    for (const socket of sockets) {
      socket.on('data', (data) => {
        bytes += data.length;
        if (bytes < MESSAGE_BYTES) return;
        bytes -= MESSAGE_BYTES;
        countdown.done();
        if (unsent <= 0) return;
        unsent -= 1;
        socket.write(MESSAGE);
      });
    }
    return {
      run: (count) => {
        countdown.begin(count);
        unsent = Math.max(0, count - connections);
        for (const socket of sockets.slice(0, count)) socket.write(MESSAGE);
        return countdown.over;
      },
    };
  }

  async bulk(): Promise<Batch> {
    const countdown = new Countdown();
    const { port } = await serve((socket) => {
      socket.on('data', (data) => {
        countdown.done(data.length);
      });
    });
    const socket = await open(port);
    let unsent = 0;
    const fill = (): void => {
      while (unsent > 0) {
        const length = Math.min(unsent, CHUNK.length);
        unsent -= length;
        if (!socket.write(CHUNK.subarray(0, length))) return;
      }
    };
    socket.on('drain', fill);
    return {
      run: (count) => {
        countdown.begin(count);
        unsent = count;
        fill();
        return countdown.over;
      },
    };
  }

  async connectClose(): Promise<Batch> {
    const { port } = await serve((socket) => {
      socket.on('error', () => undefined);
      socket.end();
    });
    const countdown = new Countdown();
    let number = 0;
    const next = (): void => {
      number += 1;
      const socket = connect({ host: `127.0.1.${1 + (number % 250)}`, port });
      socket.resume();
      socket.on('close', () => {
        countdown.done();
        if (!countdown.isOver) next();
      });
    };
    return {
      run: (count) => {
        countdown.begin(count);
        next();
        return countdown.over;
      },
    };
  }
}
