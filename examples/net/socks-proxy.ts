/** A SOCKS 5 proxy (RFC 1928) without authentication, for IPv4 addresses and names. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer, serve } from './network.js';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const SUCCEEDED = 0;
const HOST_UNREACHABLE = 4;

async function readExactly(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const data = socket.read(length) as Buffer | null;
    if (data?.length === length) return data;
    if (data !== null || socket.readableEnded) throw new Error('the client left within its request');
    await once(socket, 'readable');
  }
}

async function readTarget(socket: Socket): Promise<{ host: string; port: number }> {
  const [, methods = 0] = await readExactly(socket, 2);
  await readExactly(socket, methods);
  socket.write(Uint8Array.of(VERSION, NO_AUTHENTICATION));
  const [, command, , type] = await readExactly(socket, 4);
  if (command !== CONNECT || (type !== IPV4 && type !== NAME)) throw new Error('only CONNECT, and no IPv6');
  const length = type === IPV4 ? 4 : (await readExactly(socket, 1)).readUInt8();
  const address = await readExactly(socket, length);
  const port = (await readExactly(socket, 2)).readUInt16BE();
  return { host: type === IPV4 ? address.join('.') : address.toString(), port };
}

async function proxy(socket: Socket): Promise<void> {
  const target = connect(await readTarget(socket));
  const reply = (code: number) => Uint8Array.of(VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0);
  target.on('connect', () => {
    socket.write(reply(SUCCEEDED));
    socket.pipe(target).pipe(socket);
  });
  target.on('error', () => socket.end(reply(HOST_UNREACHABLE)));
  socket.on('close', () => target.destroy());
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', (error) => console.error(error.message));
  proxy(socket).catch((error: unknown) => socket.destroy(error as Error));
});
serve(server);
