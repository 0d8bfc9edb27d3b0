/**
 * TLS over a connection of asynctcp. Node's TLS reads from and writes to a native stream; here a `JSStream`
 * is that stream, Node's own way for streams that are written in JavaScript. It stands on the `TcpHandle`,
 * below all of the socket's JavaScript.
 *
 * The bytes go: `TcpHandle.onData` → `readBuffer` → TLS → the TLS socket; and back: TLS → `onwrite` →
 * `TcpHandle.write`.
 */
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { setImmediate } from '../support/immediate.js';
import { queueMicrotask } from '../support/microtask.js';
import { throwUncaught } from '../support/uncaught.js';
import { errnoNamed } from './node-errors.js';
import { hasMethods, isObject, replace, type Method } from './node-parts.js';
import { parts } from './parts.js';
import type { Sink } from './connection-handle.js';
import { isNative, TcpHandle } from './tcp-handle.js';
import { TlsRecords } from './tls-records.js';

const EPIPE = errnoNamed('EPIPE');

/** A microtask of a promise costs a third of one of `queueMicrotask`. */
const settled = Promise.resolve();

/** Node's native stream whose other side is JavaScript. */
interface JsStream {
  isClosing: () => boolean;
  onreadstart: () => number;
  onreadstop: () => number;
  onshutdown: (request: object) => number;
  onwrite: (request: object, pieces: readonly Uint8Array[]) => number;
  onread: unknown;
  close: (closed?: unknown) => void;
  reading: boolean;
  readBuffer(bytes: Uint8Array): void;
  emitEOF(): void;
  finishWrite(request: object, status: number): void;
  finishShutdown(request: object, status: number): void;
}

type JsStreamClass = new () => JsStream;

function isJsStreamClass(value: unknown): value is JsStreamClass {
  return hasMethods(value, ['readBuffer', 'emitEOF', 'finishWrite', 'finishShutdown']);
}

/** Looks for the class that Node's TLS makes for a stream without a native handle. */
function findJsStream(): JsStreamClass | undefined {
  const found = new Error('found');
  let JsStream: unknown;
  class Probe extends tls.TLSSocket {
    // Called by the constructor, before it makes anything else.
    _wrapHandle(_wrap: unknown, handle: unknown): never {
      JsStream = isObject(handle) ? handle.constructor : undefined;
      throw found;
    }
  }
  const stream = new Duplex({ read: () => undefined });
  try {
    new Probe(stream);
  } catch (error) {
    if (error !== found) return undefined;
  } finally {
    stream.destroy();
  }
  return isJsStreamClass(JsStream) ? JsStream : undefined;
}

let JsStreamFound: JsStreamClass | undefined;

/** Returns true if Node's TLS has what is needed here. */
export function canTeachTls(): boolean {
  JsStreamFound ??= findJsStream();
  return JsStreamFound !== undefined && hasMethods(tls.TLSSocket, ['_wrapHandle']);
}

function needJsStream(): JsStreamClass {
  JsStreamFound ??= findJsStream();
  if (JsStreamFound === undefined)
    throw new Error('asynctcp/net finds no JSStream in this Node: TLS needs it');
  return JsStreamFound;
}

/** The native stream of a handle. It does what TLS asks, in the order in which TLS needs it. */
class TlsFace implements Sink {
  readonly stream: JsStream;
  readonly #handle: TcpHandle;
  readonly #tlsSocket: tls.TLSSocket;
  readonly #records = new TlsRecords();
  /** True while TLS takes bytes that have arrived. */
  #isReading = false;
  /** Writes that are under way, the oldest first. */
  #requests: object[] = [];
  /** TLS shuts down with encrypted bytes still to come, behind the write that is under way. */
  #shutdown: object | undefined;

  constructor(handle: TcpHandle, tlsSocket: tls.TLSSocket) {
    this.#handle = handle;
    this.#tlsSocket = tlsSocket;
    const stream = new (needJsStream())();
    this.stream = stream;
    Reflect.set(stream, parts.owner, Reflect.get(handle, parts.owner));
    stream.reading = handle.reading;
    stream.isClosing = () => handle.isClosed;
    stream.onreadstart = () => handle.readStart();
    stream.onreadstop = () => handle.readStop();
    stream.onwrite = (request, pieces) => this.#write(request, pieces);
    stream.onshutdown = (request) => {
      if (this.#requests.length > 0) this.#shutdown = request;
      else this.#shutDown(request);
      return 0;
    };
    stream.close = (closed) => {
      handle.close(closed);
    };
    // Native code calls it when TLS has gone.
    stream.onread = () => undefined;
  }

  #write(request: object, pieces: readonly Uint8Array[]): number {
    const handle = this.#handle;
    if (handle.isGone) {
      setImmediate(() => {
        this.stream.finishWrite(request, EPIPE);
      });
      return 0;
    }
    let isDone = true;
    for (const piece of pieces) isDone = handle.write(piece, false);
    this.#requests.push(request);
    // Native code expects the end of a write after this call. Bytes that arrive bring most writes.
    if (isDone && this.#isReading) return 0;
    const written = (error?: Error | null): void => {
      this.#written(request, error);
    };
    if (isDone) queueMicrotask(written);
    else handle.await(written);
    return 0;
  }

  #written(request: object, error: Error | null | undefined): void {
    const at = this.#requests.indexOf(request);
    // Bytes that arrived meanwhile have ended the write already.
    if (at < 0) return;
    this.#requests.splice(at, 1);
    const errno: unknown = isObject(error) ? Reflect.get(error, 'errno') : 0;
    this.stream.finishWrite(request, typeof errno === 'number' ? errno : EPIPE);
    const shutdown = this.#shutdown;
    // TLS may have begun another write.
    if (shutdown === undefined || this.#requests.length > 0) return;
    this.#shutdown = undefined;
    this.#shutDown(shutdown);
  }

  #shutDown(request: object): void {
    // The callback comes in a later turn.
    this.#handle.shutdownSoon(() => {
      this.stream.finishShutdown(request, 0);
    });
  }

  /** A native stream runs ticks after each record. */
  take(bytes: Uint8Array): number {
    return this.#records.take(bytes);
  }

  onData(bytes: Uint8Array): void {
    this.#isReading = true;
    try {
      this.stream.readBuffer(bytes);
    } finally {
      this.#isReading = false;
      if (this.#requests.length > 0 && this.#canFinish()) this.#finishSoon();
    }
  }

  /** Ends the writes that received bytes have brought, after the ticks that these bytes caused. */
  #finishSoon(): void {
    void settled.then(() => {
      try {
        // Each end of a write may begin another one.
        for (
          let first = this.#requests[0];
          first !== undefined && this.#canFinish();
          first = this.#requests[0]
        ) {
          this.#written(first, null);
        }
      } catch (error) {
        throwUncaught(error);
      }
    });
  }

  /** Returns true if the system has taken all that was written. */
  #canFinish(): boolean {
    return !this.#handle.isWaiting && !this.#handle.isClosed;
  }

  onEnd(): void {
    this.stream.emitEOF();
  }

  /** A JSStream knows no error numbers: the TLS socket ends with the error itself. */
  onFault(error: Error): void {
    // After close_notify TLS takes no notice of what happens to the connection.
    if (!hasEnded(this.#tlsSocket)) this.#tlsSocket.destroy(error);
  }
}

/** Returns true if the end of a socket's data has come, read or not. */
function hasEnded(socket: tls.TLSSocket): boolean {
  const state: unknown = Reflect.get(socket, '_readableState');
  return isObject(state) && Reflect.get(state, 'ended') === true;
}

/** Arguments of `_wrapHandle`. */
type WrapArguments = [socket: unknown, handle: unknown, ...more: unknown[]];

let isTaught = false;
/** Stack of TLS sockets that make their own connection; `undefined`: such sockets stay Node's. */
let ownConnections: { readonly stack: StackOption } | undefined;

/** Carries TLS sockets that make their own connection on a stack, from now on. */
export function carryTls(stack: StackOption): void {
  teachTls();
  ownConnections = { stack };
}

/** Lets Node's TLS sockets stand on handles of asynctcp, from now on. Others work as before. */
export function teachTls(): void {
  if (isTaught) return;
  isTaught = true;
  const prototype = tls.TLSSocket.prototype;
  replace(prototype, '_wrapHandle', (nodes) => {
    return function wrapHandle(this: unknown, ...args: WrapArguments): unknown {
      return this instanceof tls.TLSSocket ? wrap(this, nodes, args) : Reflect.apply(nodes, this, args);
    };
  });
  replace(prototype, parts.reinitializeHandle, (nodes) => {
    return function reinitialize(this: unknown, handle: unknown): unknown {
      const former = handleBelow(this);
      if (!isNative(handle) || former === undefined) return Reflect.apply(nodes, this, [handle]);
      handle.close();
      const own = new TcpHandle(former.stack);
      Reflect.set(own, parts.owner, this);
      return Reflect.apply(nodes, this, [own]);
    };
  });
}

function wrap(socket: tls.TLSSocket, nodes: Method, args: WrapArguments): unknown {
  const [parent, given, ...more] = args;
  const makesOwn = !isObject(given) && ownConnections !== undefined && !isPipe(socket);
  const handle = makesOwn ? ownHandle(socket, ownConnections?.stack) : given;
  if (!(handle instanceof TcpHandle)) return Reflect.apply(nodes, socket, args);
  const face = new TlsFace(handle, socket);
  handle.sink = face;
  const wrapped: unknown = Reflect.apply(nodes, socket, [parent, face.stream, ...more]);
  if (isObject(wrapped)) Reflect.set(wrapped, '_parent', handle);
  return wrapped;
}

function ownHandle(socket: tls.TLSSocket, stack: StackOption | undefined): TcpHandle {
  const handle = new TcpHandle(stack);
  Reflect.set(handle, parts.owner, socket);
  return handle;
}

function isPipe(socket: tls.TLSSocket): boolean {
  const options: unknown = Reflect.get(socket, '_tlsOptions');
  return isObject(options) && Boolean(Reflect.get(options, 'pipe'));
}

/** Returns the handle of asynctcp that a TLS socket stands on. */
export function handleBelow(socket: unknown): TcpHandle | undefined {
  const handle: unknown = isObject(socket) ? Reflect.get(socket, '_handle') : undefined;
  const parent: unknown = isObject(handle) ? Reflect.get(handle, '_parent') : undefined;
  return parent instanceof TcpHandle ? parent : undefined;
}
