/**
 * Node's private parts that this folder stands on: the class of native TCP handles, and the symbols under
 * which net.js keeps its state. They are found by looking at objects that Node makes, and each is checked, so
 * that a Node that has changed is noticed before anything is built on it.
 */
import net from 'node:net';

/** The methods that net.js calls on every handle, and this folder on the native one. */
export interface NativeHandle {
  close(callback?: () => void): void;
}

/** Class of native TCP handles. `type`: 0 for a socket, 1 for a server. */
export type NativeHandleClass = new (type: number) => NativeHandle;

export interface NodeParts {
  readonly Tcp: NativeHandleClass;
  /** Key under which a handle keeps its socket or server. */
  readonly owner: symbol;
  /** Key of the method that replaces a socket's handle. */
  readonly reinitializeHandle: symbol;
  /** Keys of the option `onread` in a socket: buffer, callback, and generator of buffers. */
  readonly buffer: symbol;
  readonly bufferCallback: symbol;
  readonly bufferGenerator: symbol;
  /** Key of the bytes that a write still had to send when the timeout was last looked at. */
  readonly lastWriteQueueSize: symbol;
  /** Key that marks the arguments of `connect` as normalized. */
  readonly normalizedArgs: symbol;
}

/** A socket of node:net with the private parts that are used here. */
export interface SocketParts extends net.Socket {
  _handle: unknown;
  _parent: unknown;
  _peername: unknown;
  _sockname: unknown;
  _pendingData: unknown;
  _pendingEncoding: string;
  _unrefTimer(): void;
}

/** A server of node:net with the private parts that are used here. */
export interface ServerParts extends net.Server {
  _handle: unknown;
  _connections: number;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  /** Seconds. */
  keepAliveInitialDelay: number;
  highWaterMark: number;
  blockList?: unknown;
}

/** Called when a write is over. */
export type WriteDone = (error?: Error | null) => void;

/** Node's private parts, or the names of those that were not found. */
export type PartsFound = NodeParts | readonly string[];

const SOCKET_METHODS = ['_writeGeneric', '_final', '_unrefTimer', '_reset', 'connect'];
const SERVER_METHODS = ['_listen2'];

export function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A method of Node's. */
export type Method = (...args: unknown[]) => unknown;

/** Replaces a method of one of Node's prototypes. */
export function replace(
  prototype: object,
  name: string | symbol,
  make: (nodes: Method) => (this: unknown, ...args: never[]) => unknown,
): void {
  const nodes: unknown = Reflect.get(prototype, name);
  if (!isFunction(nodes)) return;
  const own = make(nodes);
  // Programs look at names and numbers of arguments.
  Object.defineProperties(own, {
    name: { value: nodes.name, configurable: true },
    length: { value: nodes.length, configurable: true },
  });
  Object.defineProperty(prototype, name, {
    configurable: true,
    writable: true,
    enumerable: true,
    ...Object.getOwnPropertyDescriptor(prototype, name),
    value: own,
  });
}

/** Returns true if a socket has the private parts. */
export function hasSocketParts(socket: unknown): socket is SocketParts {
  return socket instanceof net.Socket && '_unrefTimer' in socket && '_handle' in socket;
}

/** Returns true if a server has the private parts. */
export function hasServerParts(server: unknown): server is ServerParts {
  return server instanceof net.Server && '_listen2' in server && '_handle' in server;
}

/** Returns the symbol of an object or of its prototypes that has a description. */
function symbolOf(object: object, description: string): symbol | undefined {
  for (let one: object | null = object; one !== null; one = prototypeOf(one)) {
    const found = Object.getOwnPropertySymbols(one).find((symbol) => symbol.description === description);
    if (found !== undefined) return found;
  }
  return undefined;
}

function prototypeOf(object: object): object | null {
  const prototype: unknown = Object.getPrototypeOf(object);
  return isObject(prototype) ? prototype : null;
}

/** Returns the own symbol of an object whose value is `value`. */
function symbolWith(object: object, value: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(object).find((symbol) => Reflect.get(object, symbol) === value);
}

/** Returns a socket that has begun to connect and is destroyed before it does. */
function sampleSocket(): { readonly socket: net.Socket; readonly handle: unknown } {
  const socket = new net.Socket();
  socket.on('error', () => undefined);
  // An address needs no lookup; the attempt itself would begin in the next tick.
  socket.connect({ host: '127.0.0.1', port: 1 });
  const handle: unknown = Reflect.get(socket, '_handle');
  return { socket, handle };
}

function isHandleClass(value: unknown): value is NativeHandleClass {
  return hasMethods(value, ['close', 'readStart', 'connect', 'getsockname', 'reset']);
}

/** Returns true if a value is a class whose objects have the methods. */
export function hasMethods(value: unknown, names: readonly string[]): boolean {
  const prototype: unknown = isFunction(value) ? Reflect.get(value, 'prototype') : undefined;
  return isObject(prototype) && names.every((name) => isFunction(Reflect.get(prototype, name)));
}

function normalizedArgsOf(): symbol | undefined {
  const normalize: unknown = Reflect.get(net, '_normalizeArgs');
  const args: unknown = isFunction(normalize) ? normalize([1]) : undefined;
  return isObject(args) ? Object.getOwnPropertySymbols(args)[0] : undefined;
}

function missingMethods(prototype: object, names: readonly string[]): string[] {
  return names.filter((name) => !isFunction(Reflect.get(prototype, name)));
}

/** Looks for the private parts of the running Node. */
export function findParts(): PartsFound {
  const missing = [
    ...missingMethods(net.Socket.prototype, SOCKET_METHODS),
    ...missingMethods(net.Server.prototype, SERVER_METHODS),
  ];
  if (missing.length > 0) return missing;
  const { socket, handle } = sampleSocket();
  try {
    if (!isObject(handle)) return ['_handle'];
    const parts = {
      Tcp: handle.constructor,
      owner: symbolWith(handle, socket),
      reinitializeHandle: symbolOf(socket, 'kReinitializeHandle'),
      buffer: symbolOf(socket, 'kBuffer'),
      bufferCallback: symbolOf(socket, 'kBufferCb'),
      bufferGenerator: symbolOf(socket, 'kBufferGen'),
      lastWriteQueueSize: symbolOf(socket, 'lastWriteQueueSize'),
      normalizedArgs: normalizedArgsOf(),
    };
    return hasAll(parts) ? parts : namesOfMissing(parts);
  } finally {
    socket.destroy();
  }
}

type Found = { readonly [Name in keyof NodeParts]: unknown };

function hasAll(found: Found): found is NodeParts {
  return namesOfMissing(found).length === 0;
}

function namesOfMissing({ Tcp, ...symbols }: Found): string[] {
  const names = Object.entries(symbols).filter(([, symbol]) => typeof symbol !== 'symbol');
  return [...(isHandleClass(Tcp) ? [] : ['Tcp']), ...names.map(([name]) => name)];
}
