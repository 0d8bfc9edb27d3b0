/** node:net's `Server` over an AsyncServer, and other servers that stand on node:net. */
import { channel } from 'node:diagnostics_channel';
import net from 'node:net';
import { checkPreamble } from '../asynctcp/preamble.js';
import { listen, type CarryOptions, type ListenArguments, whyNotCarried } from './listening.js';
import { hasServerParts, isFunction, isObject, type ServerParts } from './node-parts.js';
import { listeningWithOwnNames } from './own-names.js';
import { Socket, type SocketOptions } from './socket.js';
import { stackOf } from './stack-of.js';
import type { TcpHandle } from './tcp-handle.js';

/** Options of a new server. */
export type ServerOptions = net.ServerOpts & Omit<CarryOptions, 'onDrain'>;

/** Listener of a server's event `connection`. */
export type ConnectionListener = (socket: Socket) => void;

/** A server over an AsyncServer, with node:net's API. Its sockets are of the class `Socket`. */
export class Server extends net.Server {
  /**
   * Makes a server that does not listen yet.
   * @param options those of `net.Server` and of `carry`: `stack` and `preamble`.
   * @throws TypeError, RangeError for a `preamble` that is none.
   */
  constructor(options?: ServerOptions | ConnectionListener, onConnection?: ConnectionListener) {
    const hasOptions = typeof options !== 'function';
    super(hasOptions ? options : {});
    const listener = hasOptions ? onConnection : options;
    if (listener !== undefined) this.on('connection', listener);
    listenBy(this, { stack: stackOf(options), preamble: preambleOf(options) }, acceptSocket);
  }
}

/** Makes a server. Arguments as in the constructor. */
export function createServer(
  options?: ServerOptions | ConnectionListener,
  onConnection?: ConnectionListener,
): Server {
  return new Server(options, onConnection);
}

/**
 * Makes a server that stands on node:net listen on asynctcp, such as one of `http.createServer`,
 * `https.createServer`, `http2.createServer` or `tls.createServer`. Call it before `listen`. The client of a
 * socket is `clientOf(socket)`.
 * @returns the server.
 * @throws TypeError, RangeError for anything but such a server, and for a `preamble` that is none.
 */
export function carry<S extends net.Server>(server: S, options: CarryOptions = {}): S {
  listenBy(server, { ...options, preamble: checkPreamble(options.preamble) }, undefined);
  return server;
}

function preambleOf(options: unknown): CarryOptions['preamble'] {
  return checkPreamble(isObject(options) && 'preamble' in options ? options.preamble : undefined);
}

/** Makes the socket of an accepted connection. Returns false if net.js shall do that. */
type Accept = (server: ServerParts, handle: TcpHandle) => boolean;

function listenBy(server: net.Server, options: CarryOptions, accept: Accept | undefined): void {
  if (!hasServerParts(server)) throw new TypeError('server must be a server that stands on node:net');
  const nodes: unknown = Reflect.get(server, '_listen2');
  if (!isFunction(nodes)) return;
  const own = accept === undefined ? undefined : (handle: TcpHandle) => accept(server, handle);
  Object.defineProperty(server, '_listen2', {
    value(...args: ListenArguments): unknown {
      const reason = whyNotCarried(server, args);
      if (reason !== undefined) {
        if (options.preamble === undefined) return Reflect.apply(nodes, server, args);
        throw new Error(`a server with a preamble listens on a host and a port, not on ${reason}`);
      }
      return listen(server, nodes, args, options, own);
    },
    writable: true,
    configurable: true,
  });
  const listenOfNode: unknown = Reflect.get(server, 'listen');
  if (!isFunction(listenOfNode)) return;
  Object.defineProperty(server, 'listen', {
    value(...args: readonly unknown[]): unknown {
      return listeningWithOwnNames(options.stack, () => Reflect.apply(listenOfNode, server, args));
    },
    writable: true,
    configurable: true,
  });
}

function isBlocked({ blockList }: ServerParts, { client }: TcpHandle): boolean {
  if (!(blockList instanceof net.BlockList) || client === undefined) return false;
  const address = client.remoteIP();
  return blockList.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
}

const serverSockets = channel('net.server.socket');

/** Makes a `Socket` where net.js makes a `net.Socket`. net.js itself drops connections that are too many. */
function acceptSocket(server: ServerParts, handle: TcpHandle): boolean {
  const { maxConnections, noDelay, keepAlive, keepAliveInitialDelay, highWaterMark } = server;
  const isFull = typeof maxConnections === 'number' && server._connections >= maxConnections;
  if (isFull || isBlocked(server, handle)) return false;
  const options: SocketOptions & Record<string, unknown> = {
    handle,
    allowHalfOpen: server.allowHalfOpen,
    pauseOnCreate: server.pauseOnConnect,
    readableHighWaterMark: highWaterMark,
    writableHighWaterMark: highWaterMark,
    noDelay,
    keepAlive,
    keepAliveInitialDelay: keepAliveInitialDelay * 1000,
  };
  const socket = new Socket(options);
  if (noDelay) handle.setNoDelay(true);
  if (keepAlive) handle.setKeepAlive(true, keepAliveInitialDelay);
  server._connections += 1;
  Object.assign(socket, { server, _server: server });
  server.emit('connection', socket);
  if (serverSockets.hasSubscribers) serverSockets.publish({ socket });
  return true;
}
