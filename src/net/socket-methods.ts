/**
 * The methods of a socket that differ over a `TcpHandle`: connecting makes such a handle, and writing and
 * shutting down go to it and not through native requests. Each function gets Node's own method, for a socket
 * over a handle of Node's.
 */
import net from 'node:net';
import type { StackOption } from '../asynctcp/stack-choice.js';
import {
  hasSocketParts,
  isFunction,
  isObject,
  replace,
  type Method,
  type SocketParts,
  type WriteDone,
} from './node-parts.js';
import { withOwnNames } from './own-names.js';
import { parts } from './parts.js';
import { isNative, TcpHandle } from './tcp-handle.js';

/** Texts and small pieces are put together here before they are written. */
const scratch = Buffer.allocUnsafeSlow(65_536);

/** Most bytes that one UTF-16 unit of a string becomes in any encoding. */
const MAX_BYTES_OF_UNIT = 3;

/**
 * Largest piece of a write of several that is copied, in bytes: a copy of 30,000 bytes costs less than one
 * piece more.
 */
const MOST_COPIED = 32_768;

/** Pieces that leave together at most. */
const MOST_PIECES = 16;

/** In Node before 22, a write that its destroyed socket gives up is no failure. */
const GIVES_UP_SILENTLY = Number.parseInt(process.versions.node, 10) < 22;

/** Options of `connect` that are looked at here. */
export interface TargetOptions {
  readonly path?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
  readonly stack?: unknown;
  readonly lookup?: unknown;
}

/** Arguments of `connect` as net.js normalizes them. */
interface Normalized extends Array<unknown> {
  0: TargetOptions;
}

function isNormalized(args: unknown): args is Normalized {
  return Array.isArray(args) && Reflect.get(args, parts.normalizedArgs) === true && isObject(args[0]);
}

function normalize(args: readonly unknown[]): Normalized | undefined {
  if (isNormalized(args[0])) return args[0];
  const byNode: unknown = Reflect.get(net, '_normalizeArgs');
  const normalized: unknown = isFunction(byNode) ? byNode(args) : undefined;
  return isNormalized(normalized) ? normalized : undefined;
}

/**
 * Gives a socket that is about to connect over TCP a handle of asynctcp, and connects it. A socket that has a
 * handle already keeps it.
 */
export function connect(
  socket: SocketParts,
  nodes: Method,
  args: readonly unknown[],
  stackOf: (options: TargetOptions) => StackOption | undefined,
): unknown {
  const normalized = normalize(args);
  if (normalized === undefined) return Reflect.apply(nodes, socket, args);
  const [options] = normalized;
  const isTcp = options.path === undefined || options.path === null || options.path === '';
  const hasTarget = isTcp && options.port !== undefined;
  const isFree = !isObject(socket._handle) || socket.destroyed;
  const parent: unknown = socket._parent;
  const waitsForParent = isObject(parent) && Reflect.get(parent, 'connecting') === true;
  if (hasTarget && isFree && !waitsForParent) {
    if (socket.destroyed) {
      socket._handle = null;
      socket._peername = null;
      socket._sockname = null;
    }
    const handle = new TcpHandle(stackOf(options));
    giveHandle(socket, handle);
    normalized[0] = withOwnNames(options, handle);
  }
  return Reflect.apply(nodes, socket, [normalized]);
}

function giveHandle(socket: SocketParts, handle: TcpHandle): void {
  const reinitialize: unknown = Reflect.get(net.Socket.prototype, parts.reinitializeHandle);
  if (isFunction(reinitialize)) Reflect.apply(reinitialize, socket, [handle]);
}

/**
 * Replaces a socket's handle. When net.js tries the next address of a name, it makes a native handle: the
 * socket gets another one of asynctcp.
 */
function reinitializeHandle(socket: SocketParts, nodes: Method, handle: unknown): unknown {
  const former = socket._handle;
  if (!isNative(handle) || !(former instanceof TcpHandle)) return Reflect.apply(nodes, socket, [handle]);
  handle.close();
  return Reflect.apply(nodes, socket, [new TcpHandle(former.stack)]);
}

/** Writes one piece or several, in place of `_writeGeneric`. */
function writeGeneric(
  socket: CarriedSocket,
  isMany: boolean,
  data: unknown,
  encoding: string,
  done: WriteDone,
): void {
  const handle = socket._handle;
  socket._pendingData = null;
  socket._pendingEncoding = '';
  socket._unrefTimer();
  const before = handle.bytesWritten;
  const isDone = isMany ? writeMany(handle, data) : writeOne(handle, data, encoding);
  if (isDone) {
    done();
  } else if (handle.isOver) {
    handle.failWrite(done);
  } else {
    Reflect.set(socket, parts.lastWriteQueueSize, handle.bytesWritten - before);
    handle.await((error) => {
      done(socket.destroyed && GIVES_UP_SILENTLY ? null : error);
    });
  }
}

/** A socket over a handle of asynctcp. */
interface CarriedSocket extends SocketParts {
  _handle: TcpHandle;
}

/** Returns true if a socket is connected and stands on a handle of asynctcp. Called for each write. */
function isCarried(socket: unknown): socket is CarriedSocket {
  const carries = isObject(socket) && '_handle' in socket && socket._handle instanceof TcpHandle;
  return carries && 'connecting' in socket && socket.connecting === false;
}

function writeOne(handle: TcpHandle, data: unknown, encoding: string): boolean {
  if (typeof data !== 'string' || data.length * MAX_BYTES_OF_UNIT > scratch.length) {
    return handle.write(bytesOf(data, encoding), false);
  }
  const bytes = scratch.write(data, 0, encodingOf(encoding));
  return handle.write(scratch.subarray(0, bytes), true);
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk, encodingOf(encoding));
  return chunk instanceof Uint8Array ? chunk : new Uint8Array();
}

function encodingOf(encoding: unknown): BufferEncoding {
  // Most writes have one of these.
  if (encoding === 'latin1' || encoding === 'utf8') return encoding;
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
}

/** A write of several pieces, as a stream's `_writev` gets it. */
interface Chunk {
  readonly chunk: unknown;
  readonly encoding: unknown;
}

function isChunks(data: unknown): data is readonly Chunk[] {
  return Array.isArray(data);
}

/**
 * Writes a stream's buffered chunks, which leave together as far as possible: small ones are copied into the
 * scratch memory, large ones stay where they are.
 */
function writeMany(handle: TcpHandle, data: unknown): boolean {
  if (!isChunks(data)) return true;
  const batch = new Batch(handle);
  for (const { chunk, encoding } of data) {
    const isText = typeof chunk === 'string';
    if (isText && chunk.length * MAX_BYTES_OF_UNIT <= scratch.length) {
      batch.addText(chunk, encodingOf(encoding));
    } else {
      batch.addBytes(bytesOf(chunk, encoding));
    }
  }
  return batch.flush();
}

/** The pieces of a write that leave together. */
class Batch {
  readonly #handle: TcpHandle;
  #pieces: Uint8Array[] = [];
  /** Bytes of the scratch memory that are in use, and those of them that are in a piece. */
  #used = 0;
  #cut = 0;
  #isDone = true;

  constructor(handle: TcpHandle) {
    this.#handle = handle;
  }

  /** Adds a text for which the empty scratch memory has room. */
  addText(text: string, encoding: BufferEncoding): void {
    if (text.length * MAX_BYTES_OF_UNIT > scratch.length - this.#used) this.flush();
    this.#used += scratch.write(text, this.#used, encoding);
  }

  addBytes(bytes: Uint8Array): void {
    if (bytes.length > MOST_COPIED) {
      this.#cutPiece();
      this.#pieces.push(bytes);
      if (this.#pieces.length >= MOST_PIECES) this.flush();
      return;
    }
    if (bytes.length > scratch.length - this.#used) this.flush();
    scratch.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #cutPiece(): void {
    if (this.#used > this.#cut) this.#pieces.push(scratch.subarray(this.#cut, this.#used));
    this.#cut = this.#used;
  }

  /** Writes what was added. Returns true if the system has taken it all. */
  flush(): boolean {
    this.#cutPiece();
    const pieces = this.#pieces;
    const [first] = pieces;
    if (first === undefined) return this.#isDone;
    this.#isDone =
      pieces.length === 1
        ? this.#handle.write(first, first.buffer === scratch.buffer)
        : this.#handle.writeAll(pieces, scratch.buffer);
    this.#pieces = [];
    this.#used = 0;
    this.#cut = 0;
    return this.#isDone;
  }
}

let isTaught = false;

/** Lets Node's sockets write to handles of asynctcp, from now on. Others work as before. */
export function teachSockets(): void {
  if (isTaught) return;
  isTaught = true;
  const prototype = net.Socket.prototype;
  replace(prototype, '_writeGeneric', (nodes) => {
    return function _writeGeneric(
      this: unknown,
      isMany: boolean,
      data: unknown,
      encoding: string,
      done: WriteDone,
    ): unknown {
      if (isCarried(this)) {
        writeGeneric(this, isMany, data, encoding, done);
        return undefined;
      }
      return Reflect.apply(nodes, this, [isMany, data, encoding, done]);
    };
  });
  replace(prototype, '_final', (nodes) => {
    return function _final(this: unknown, done: () => void): unknown {
      if (isCarried(this)) {
        this._handle.shutdownSoon(done);
        return undefined;
      }
      return Reflect.apply(nodes, this, [done]);
    };
  });
  replace(prototype, parts.reinitializeHandle, (nodes) => {
    return function reinitialize(this: unknown, handle: unknown): unknown {
      if (!hasSocketParts(this)) return Reflect.apply(nodes, this, [handle]);
      return reinitializeHandle(this, nodes, handle);
    };
  });
}
