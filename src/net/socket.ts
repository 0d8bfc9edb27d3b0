/** node:net's `Socket` over an AsyncClient. */
import { channel } from 'node:diagnostics_channel';
import net from 'node:net';
import type { AsyncClient } from '../asynctcp/async-client.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { hasSocketParts, isFunction, isObject, replace } from './node-parts.js';
import { connect as connectSocket, teachSockets } from './socket-methods.js';
import { stackOf } from './stack-of.js';
import { TcpHandle } from './tcp-handle.js';
import { handleBelow, teachTls } from './tls-face.js';

// A socket may be given to TLS, and a socket that net.js makes may stand on a handle of asynctcp.
teachSockets();
teachTls();

/** Tools that observe Node's connections hear of these too. */
const clientSockets = channel('net.client.socket');

/** Options of a new socket. */
export type SocketOptions = net.SocketConstructorOpts & { stack?: StackOption | undefined };
/** Options of `connect`. */
export type ConnectOptions = net.NetConnectOpts & { stack?: StackOption | undefined };

/**
 * Returns the client under a socket, also under a TLS socket, and however the socket came to be carried;
 * `undefined` for a socket of Node's, before `connect`, and after the end.
 */
export function clientOf(socket: net.Socket): AsyncClient | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  return (handle instanceof TcpHandle ? handle : handleBelow(socket))?.client;
}

/**
 * A socket over an AsyncClient, with node:net's API. It is a `net.Socket`: TLS, HTTP and whatever takes one
 * takes it. Pipes, descriptors, and handles that exist already stay Node's.
 */
export class Socket extends net.Socket {
  /** Stack of `connect`; `undefined`: the configuration's. */
  declare readonly stack?: StackOption;

  /**
   * Makes a socket that is not connected.
   * @param options those of `net.Socket`, and `stack`: the stack that carries the bytes.
   */
  constructor(options?: SocketOptions) {
    super(options);
    const stack = stackOf(options);
    if (stack !== undefined) Object.defineProperty(this, 'stack', { value: stack, configurable: true });
  }

  /**
   * The client that carries the socket; `undefined` before `connect` and after the end. All its handlers are
   * free.
   */
  get client(): AsyncClient | undefined {
    return clientOf(this);
  }

  /** A program may keep something of its own under this name. */
  set client(value: unknown) {
    Object.defineProperty(this, 'client', { value, writable: true, configurable: true, enumerable: true });
  }

  /** Bytes that were written and that the peer's TCP has not acknowledged. */
  get unacknowledged(): number {
    return clientOf(this)?.unacknowledged() ?? 0;
  }
}

// The method has too many forms to be written again with types of its own.
replace(Socket.prototype, 'connect', (nodes) => {
  return function connect(this: unknown, ...args: unknown[]): unknown {
    if (!hasSocketParts(this)) return Reflect.apply(nodes, this, args);
    const own = stackOf(this);
    return connectSocket(this, nodes, args, (options) => stackOf(options) ?? own);
  };
});

/**
 * Makes a socket and connects it.
 * @param target as in `net.connect`; the options may have `stack`.
 */
export function connect(target: ConnectOptions | string, onConnect?: () => void): Socket;
export function connect(port: number, host?: string, onConnect?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const [options] = args;
  const socket = new Socket(isObject(options) ? options : {});
  if (clientSockets.hasSubscribers) clientSockets.publish({ socket });
  const timeout: unknown = isObject(options) ? Reflect.get(options, 'timeout') : undefined;
  if (typeof timeout === 'number') socket.setTimeout(timeout);
  const connectSocket: unknown = Reflect.get(socket, 'connect');
  if (isFunction(connectSocket)) Reflect.apply(connectSocket, socket, args);
  return socket;
}

/** The same as `connect`. */
export const createConnection = connect;
