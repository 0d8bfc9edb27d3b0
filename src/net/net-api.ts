/**
 * node:net's API on AsyncClient and AsyncServer: sockets and servers that are Node's own classes over a
 * handle of asynctcp. What no stack can carry stays Node's: pipes, descriptors, handles that exist already.
 */
import net from 'node:net';
import type { AsyncClient } from '../asynctcp/async-client.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { listen, type ListenArguments, whyNotCarried } from './listening.js';
import {
  hasServerParts,
  hasSocketParts,
  isFunction,
  isObject,
  type Method,
  type WriteDone,
} from './node-parts.js';
import { missingParts, parts } from './parts.js';
import * as methods from './socket-methods.js';
import { whenOwned, TcpHandle } from './tcp-handle.js';
import { teachTls } from './tls-face.js';

export type SocketOptions = net.SocketConstructorOpts & { stack?: StackOption };
export type SocketConnectOptions = net.SocketConnectOpts & { stack?: StackOption };
export type ConnectOptions = net.NetConnectOpts & { stack?: StackOption };
export type ServerOptions = net.ServerOpts & { stack?: StackOption };

const STACK = Symbol('asynctcp.stack');

/** Returns the stack that options name. `chooseStack` checks it when it is used. */
function stackOf(options: unknown): StackOption | undefined {
  if (!isObject(options) || !('stack' in options)) return undefined;
  return isStackOption(options.stack) ? options.stack : undefined;
}

function isStackOption(stack: unknown): stack is StackOption {
  return stack !== undefined;
}

function setStack(object: object, stack: StackOption | undefined): void {
  if (stack !== undefined) Object.defineProperty(object, STACK, { value: stack, configurable: true });
}

function ownStack(object: object): StackOption | undefined {
  const stack: unknown = Reflect.get(object, STACK);
  return isStackOption(stack) ? stack : undefined;
}

/**
 * Returns the client under a socket, also under a TLS socket, and however the socket came to be carried;
 * `undefined` for a socket of Node's, and before `connect` and after the end.
 */
export function clientOf(socket: net.Socket): AsyncClient | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (handle instanceof TcpHandle) return handle.client;
  // A TLS socket's handle names the one below it.
  const parent: unknown = isObject(handle) ? Reflect.get(handle, '_parent') : undefined;
  return parent instanceof TcpHandle ? parent.client : undefined;
}

/**
 * A socket over an AsyncClient, with node:net's API. It is a `net.Socket`: TLS, HTTP and whatever takes one
 * takes it.
 */
export class Socket extends net.Socket {
  /**
   * Makes a socket that is not connected.
   * @param options those of `net.Socket`, and `stack`: the stack that carries the bytes.
   */
  constructor(options?: SocketOptions) {
    super(options);
    setStack(this, stackOf(options));
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

// net.js calls these by name, on the object: they are no part of the class's types.
const socketMethods: Record<string | symbol, (this: net.Socket, ...args: never[]) => unknown> = {
  connect(this: net.Socket, ...args: unknown[]): unknown {
    if (!hasSocketParts(this)) return undefined;
    const own = ownStack(this);
    return methods.connect(this, nodes('connect'), args, (options) => stackOf(options) ?? own);
  },
  _writeGeneric(this: net.Socket, ...args: methods.WriteArguments): unknown {
    return hasSocketParts(this) ? methods.writeGeneric(this, nodes('_writeGeneric'), args) : undefined;
  },
  _final(this: net.Socket, done: WriteDone): unknown {
    return hasSocketParts(this) ? methods.final(this, nodes('_final'), done) : undefined;
  },
  [parts.reinitializeHandle](this: net.Socket, handle: unknown): unknown {
    if (!hasSocketParts(this)) return undefined;
    return methods.reinitializeHandle(this, nodes(parts.reinitializeHandle), handle, ownStack(this));
  },
};

/** Returns a method of Node's own sockets. */
function nodes(name: string | symbol): Method {
  const method: unknown = Reflect.get(net.Socket.prototype, name);
  if (isFunction(method)) return method;
  throw new Error(`asynctcp/net needs parts of Node that this runtime lacks: ${missingParts.join(', ')}`);
}

for (const name of Reflect.ownKeys(socketMethods)) {
  Object.defineProperty(Socket.prototype, name, {
    value: Reflect.get(socketMethods, name),
    writable: true,
    configurable: true,
  });
}

// An accepted socket is made by net.js, as a plain `net.Socket`.
whenOwned((socket) => {
  if (Object.getPrototypeOf(socket) === net.Socket.prototype) Object.setPrototypeOf(socket, Socket.prototype);
});

// A TLS socket may be made over one of these sockets.
teachTls(() => undefined);

/** A server over an AsyncServer, with node:net's API. */
export class Server extends net.Server {
  /**
   * Makes a server that does not listen yet.
   * @param options those of `net.Server`, and `stack`: the stack that carries the bytes.
   */
  constructor(options?: ServerOptions | ConnectionListener, onConnection?: ConnectionListener) {
    const hasOptions = typeof options !== 'function';
    super(hasOptions ? options : {});
    const listener = hasOptions ? onConnection : options;
    if (listener !== undefined) this.on('connection', listener);
    carry(this, hasOptions ? options : {});
  }
}

/** Listener of a server's event `connection`. */
export type ConnectionListener = (socket: Socket) => void;

/** Options of `carry`. */
export interface CarryOptions {
  /** Stack that carries the bytes. Default: the configuration's. */
  stack?: StackOption | undefined;
}

/**
 * Makes a server that stands on node:net listen on asynctcp, such as one of `http.createServer`,
 * `https.createServer`, `http2.createServer` or `tls.createServer`. Call it before `listen`.
 * @returns the server.
 */
export function carry<S extends net.Server>(server: S, options: CarryOptions = {}): S {
  const { stack } = options;
  const nodesListen: unknown = Reflect.get(server, '_listen2');
  if (!isFunction(nodesListen)) throw new TypeError('server must be a server that stands on node:net');
  Object.defineProperty(server, '_listen2', {
    value(...args: ListenArguments): unknown {
      const isCarried = hasServerParts(server) && whyNotCarried(server, args) === undefined;
      if (!isCarried) return Reflect.apply(nodesListen, server, args);
      return listen(server, nodesListen, args, stack);
    },
    writable: true,
    configurable: true,
  });
  return server;
}

/** Makes a server. Arguments as in the constructor. */
export function createServer(
  options?: ServerOptions | ConnectionListener,
  onConnection?: ConnectionListener,
): Server {
  return new Server(options, onConnection);
}

/**
 * Makes a socket and connects it.
 * @param args as in `net.connect`; the options may have `stack`.
 */
export function connect(target: ConnectOptions | string, onConnect?: () => void): Socket;
export function connect(port: number, host?: string, onConnect?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const [options] = args;
  const socket = new Socket(isObject(options) ? options : {});
  const timeout: unknown = isObject(options) ? Reflect.get(options, 'timeout') : undefined;
  if (typeof timeout === 'number') socket.setTimeout(timeout);
  const connectSocket: unknown = Reflect.get(socket, 'connect');
  if (isFunction(connectSocket)) Reflect.apply(connectSocket, socket, args);
  return socket;
}

export const createConnection = connect;
