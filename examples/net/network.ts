/**
 * The network of these programs. They are written for node:net, which `node --import asynctcp/net/register`
 * puts on asynctcp; with STACK=kernel or STACK=node in the environment, they use asynctcp/net explicitly.
 */
import net, { type AddressInfo, type Server } from 'node:net';

/** The stack that is used explicitly, or undefined. */
export const stack = process.env['STACK'];

if (stack === 'kernel' || stack === 'node') (await import('asynctcp')).configure({ stack });
const own = stack === undefined ? undefined : await import('asynctcp/net');

export const MEGABYTE = Buffer.alloc(1_048_576, 'The quick brown fox jumps over the lazy dog. ');

export const connect: typeof net.connect = own?.connect ?? net.connect;
export const createServer: typeof net.createServer = own?.createServer ?? net.createServer;
export const newSocket = () => (own === undefined ? new net.Socket() : new own.Socket());

/** Puts a server on the stack. */
export function carry<S extends Server>(server: S): S {
  return own?.carry(server) ?? server;
}

/** Returns options by which a library uses the stack, and none if no stack is used explicitly. */
export function explicitly<O extends object>(options: O): O | Record<string, never> {
  return stack === undefined ? {} : options;
}

/** Listens on a port of this machine, prints it, and ends the server with Ctrl-C or SIGTERM. */
export function serve(server: Server, end: () => unknown = () => server.close()): void {
  server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
    console.log(`listening on port ${(server.address() as AddressInfo).port}`);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);
}
