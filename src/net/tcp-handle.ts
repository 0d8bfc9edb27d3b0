/**
 * A connection of asynctcp where net.js expects its native TCP handle: all of net.js's logic and order of
 * events stays Node's own. The handle extends the native class, because native code takes only its objects;
 * the native handle itself is never opened, and each of its methods is shadowed.
 *
 * Reading: the session's `onData` → the socket's `push`. A stopped handle stops the session, so that the
 * receive window closes. Writing does not go through the native calls, which differ between versions of Node:
 * `socket-methods.ts` calls `write`.
 *
 * Call order: `bind`? → `connect`, or `accept` → (`readStart` | `readStop` | `write`)* → `shutdownSoon` →
 * `close` or `reset`.
 */
import { AsyncResource } from 'node:async_hooks';
import { isIPv4, isIPv6 } from 'node:net';
import { AsyncClient, coreOf } from '../asynctcp/async-client.js';
import type { ClientStream } from '../asynctcp/client-stream.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import type { Session } from '../asynctcp/session.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { SendFlag, type Endpoint, type Fault } from '../port/tcp-stack.js';
import { TcpState } from '../port/tcp-state.js';
import { runTicks } from '../support/callback-scope.js';
import { setImmediate } from '../support/immediate.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ConnectionReport } from '../task/connection-report.js';
import { callIn, type CallbackOwner } from '../task/dispatch.js';
import { fillAddress, localEnd, type AddressOut } from './handle-address.js';
import { keepAliveOf, NO_KEEP_ALIVE } from './keep-alive.js';
import {
  connectErrnoOf,
  endError,
  errnoNamed,
  errnoOf,
  localPartOf,
  nodeError,
  syscallOf,
} from './node-errors.js';
import { hasSocketParts, isFunction, isObject, type SocketParts, type WriteDone } from './node-parts.js';
import { parts } from './parts.js';
import { PendingWrite } from './pending-write.js';
import { fillUserBuffer, passUserBuffer } from './user-buffer.js';

const EALREADY = errnoNamed('EALREADY');
const EISCONN = errnoNamed('EISCONN');
const ENOBUFS = errnoNamed('ENOBUFS');
const EINVAL = errnoNamed('EINVAL');
const ENOTCONN = errnoNamed('ENOTCONN');
const EBADF = errnoNamed('EBADF');
const ECANCELED = errnoNamed('ECANCELED');
const ECONNREFUSED = errnoNamed('ECONNREFUSED');
const ECONNRESET = errnoNamed('ECONNRESET');
const EPIPE = errnoNamed('EPIPE');

/** Type of a native TCP handle that connects or is accepted. */
const SOCKET = 0;

const NO_DESCRIPTOR = -1;

/** The request of net.js to connect. */
interface ConnectRequest {
  oncomplete?: (
    status: number,
    handle: unknown,
    request: unknown,
    readable: boolean,
    writable: boolean,
  ) => void;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

/** Takes the data and the end of a connection in place of the socket: TLS (`tls-face.ts`). */
export interface Sink {
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  onFault(error: Error): void;
}

export class TcpHandle extends parts.Tcp implements ClientStream, CallbackOwner {
  // Fields that net.js, or a user of it, reads and writes.
  reading = false;
  onconnection: unknown = undefined;
  bytesRead = 0;
  bytesWritten = 0;

  /** Set from `connect` or `accept` on. */
  client: AsyncClient | undefined;
  /** Set until the life of the connection is over. */
  session: Session<AsyncClient> | undefined;
  #socket: SocketParts | undefined;
  #onRead: unknown;
  #resource = new AsyncResource('TCPWRAP');
  /** Takes the data in place of the socket. */
  sink: Sink | undefined;

  /** True between `readStart` and `readStop`. */
  #isStarted = false;
  /** The peer's FIN: not come, come while the handle was stopped, or passed on. */
  #end: 'open' | 'waits' | 'passed' = 'open';
  /** Fault that is not reported yet: a handle that neither reads nor writes reports none. */
  #fault: Fault | undefined;
  #hasUserBuffer = false;
  /** Data that the buffer of the option `onread` could not take. */
  #rest: Uint8Array | undefined;
  #isDelivering = false;

  #pending: PendingWrite | undefined;
  #request: ConnectRequest | undefined;
  #isShuttingDown = false;
  #isClosed = false;

  #keepsAlive = true;
  /** The client's present setting. */
  #isActive = true;
  #bound: Endpoint | undefined;
  #isMapped = false;
  /** Stack of the connection; `undefined`: the configuration's. */
  readonly stack: StackOption | undefined;

  constructor(stack: StackOption | undefined) {
    super(SOCKET);
    this.stack = stack;
  }

  /** Takes an accepted client over. */
  accept(client: AsyncClient, isMapped: boolean): void {
    this.#isMapped = isMapped;
    coreOf(client).leaveAtExit();
    this.#join(client);
    this.session?.gatherInTurn();
  }

  /** Stops the session unless the socket has begun to read while it was shown to the program. */
  accepted(): void {
    if (!this.#isStarted) this.session?.setStopped(true);
    this.#adjustActivity();
  }

  #join(client: AsyncClient): void {
    this.client = client;
    const { session } = coreOf(client);
    this.session = session;
    session?.attach(this);
  }

  // ---- the watchdog's and the dispatcher's view

  /** An exception reaches the runtime's uncaught-error path, and leaves the socket alive, as in Node. */
  callbackThrew(): void {
    // Nothing ends.
  }

  report(): ConnectionReport {
    const { client, session } = this;
    if (session !== undefined) return session.report();
    return {
      localIP: client?.localIP() ?? '0.0.0.0',
      localPort: client?.localPort() ?? 0,
      remoteIP: client?.remoteIP() ?? '0.0.0.0',
      remotePort: client?.remotePort() ?? 0,
      state: client?.stateToString() ?? 'Closed',
      bytesIn: this.bytesRead,
      bytesOut: this.bytesWritten,
    };
  }

  #call<A>(kind: CallbackKind, method: (this: this, a: A) => void, a: A): void {
    callIn(this, kind, this.#resource, method, a);
  }

  /** Runs a method in the handle's context, from the event loop, where no callback runs. */
  #runSoon(method: (this: this) => void): void {
    setImmediate(() => {
      callIn(this, CallbackKind.ACK, this.#resource, method, undefined);
    });
  }

  // ---- what net.js asks

  getAsyncId(): number {
    return this.#resource.asyncId();
  }

  /** An agent that gives the connection to another request asks for a context of its own. */
  asyncReset(): void {
    this.#resource = new AsyncResource('TCPWRAP');
  }

  getProviderType(): number {
    return 0;
  }

  /** A connection of asynctcp has no descriptor that a program could use. */
  get fd(): number {
    return NO_DESCRIPTOR;
  }

  /** Bytes that the system has not taken. */
  get writeQueueSize(): number {
    return (this.#pending?.bytes ?? 0) + (this.session?.queued() ?? 0);
  }

  get socket(): SocketParts | undefined {
    return this.#socket;
  }

  get onread(): unknown {
    return this.#onRead;
  }

  /** net.js sets this when a socket has got the handle: then the owner is known. */
  set onread(listener: unknown) {
    this.#onRead = listener;
    const owner: unknown = Reflect.get(this, parts.owner);
    if (owner === this.#socket) return;
    this.#socket = hasSocketParts(owner) ? owner : undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True if nothing more can be sent: the connection is over, and no fault waits to be noticed. */
  get isGone(): boolean {
    return this.#isClosed || (this.session === undefined && this.#fault === undefined);
  }

  /** True if the system takes no more bytes: the connection is over. */
  get isOver(): boolean {
    return this.#isClosed || this.session === undefined;
  }

  /** True while a write waits for space or for the system. */
  get isWaiting(): boolean {
    return this.#pending !== undefined;
  }

  getsockname(out: AddressOut): number {
    if (this.client !== undefined && this.client.localPort() !== 0) {
      fillAddress(out, { address: this.client.localIP(), port: this.client.localPort() }, this.#isMapped);
      return 0;
    }
    if (this.#bound === undefined) return EBADF;
    fillAddress(out, this.#bound, false);
    return 0;
  }

  getpeername(out: AddressOut): number {
    const { client } = this;
    if (client === undefined || client.remotePort() === 0) return ENOTCONN;
    fillAddress(out, { address: client.remoteIP(), port: client.remotePort() }, this.#isMapped);
    return 0;
  }

  setNoDelay(on: unknown): number {
    this.client?.setNoDelay(Boolean(on));
    return 0;
  }

  /**
   * Interval and number of probes are libuv's own unless net.js names them, as Node 26 does. For a socket
   * that still connects, net.js calls again when it is connected.
   */
  setKeepAlive(on: unknown, idleS: unknown, intervalS?: unknown, probes?: unknown): number {
    const set = on === true ? keepAliveOf(idleS, intervalS, probes) : NO_KEEP_ALIVE;
    this.session?.setKeepAlive(set.idleS * 1000, set.intervalS * 1000, set.probes);
    return 0;
  }

  setBlocking(): number {
    return 0;
  }

  setSimultaneousAccepts(): number {
    return 0;
  }

  open(): number {
    return EINVAL;
  }

  /** Called by net.js for a socket with the option `onread`, which keeps the buffer under `parts.buffer`. */
  useUserBuffer(): void {
    this.#hasUserBuffer = true;
  }

  // ---- the process

  hasRef(): boolean {
    return this.#keepsAlive && !this.#isClosed;
  }

  ref(): void {
    this.#keepsAlive = true;
    this.#adjustActivity();
  }

  unref(): void {
    this.#keepsAlive = false;
    this.#adjustActivity();
  }

  /** As libuv: a handle that neither reads, writes, connects nor shuts down keeps no process alive. */
  #adjustActivity(): void {
    if (this.session === undefined || this.client === undefined) return;
    const reads = this.#isStarted && this.#end === 'open';
    const works = reads || this.#pending !== undefined || this.#request !== undefined || this.#isShuttingDown;
    const isActive = this.#keepsAlive && !this.#isClosed && works;
    if (isActive === this.#isActive) return;
    this.#isActive = isActive;
    if (isActive) this.client.ref();
    else this.client.unref();
  }

  // ---- connecting

  bind(address: string, port: number): number {
    return this.#bindTo(address, port, isIPv4(address));
  }

  bind6(address: string, port: number): number {
    return this.#bindTo(address, port, isIPv6(address));
  }

  #bindTo(address: string, port: number, isOfFamily: boolean): number {
    if (!isOfFamily) return EINVAL;
    this.#bound = { address, port };
    return 0;
  }

  connect6(request: ConnectRequest, address: string, port: number): number {
    return this.connect(request, address, port);
  }

  connect(request: ConnectRequest, address: string, port: number): number {
    if (this.#request !== undefined) return EALREADY;
    if (this.client !== undefined) return EISCONN;
    this.#request = request;
    if (port === 0) {
      // The kernel has no such port, and refuses by itself.
      this.#runSoon(this.#refused);
      return 0;
    }
    const client = new AsyncClient(this.stack === undefined ? {} : { stack: this.stack });
    const from = this.#bound === undefined ? {} : localEnd(this.#bound);
    coreOf(client).leaveAtExit();
    if (!client.connect(address, port, from)) return EINVAL;
    this.#join(client);
    this.#adjustActivity();
    return 0;
  }

  onConnected(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    this.session?.gatherInTurn();
    this.#call(CallbackKind.CONNECT, this.#connected, request);
    if (!this.#isStarted) this.session?.setStopped(true);
    this.#adjustActivity();
  }

  #refused(): void {
    const request = this.#request;
    this.#request = undefined;
    request?.oncomplete?.(ECONNREFUSED, this, request, false, false);
  }

  #connected(request: ConnectRequest): void {
    request.oncomplete?.(0, this, request, true, true);
  }

  #connectFailed(request: ConnectRequest, fault: Fault): void {
    const error = this.#errorAtOnce(request, fault);
    if (error === undefined) {
      request.oncomplete?.(connectErrnoOf(fault), this, request, false, false);
      return;
    }
    // A TLS socket owns the handle without having become its reader.
    const owner: unknown = Reflect.get(this, parts.owner);
    if (hasSocketParts(owner)) owner.destroy(error);
  }

  /** Returns the error with which net.js destroys a socket for which `bind` or `connect` fails at once. */
  #errorAtOnce({ address, port, ...own }: ConnectRequest, fault: Fault): Error | undefined {
    if (syscallOf(fault) === 'bind') {
      return endError(errnoOf(fault), 'bind', own.localAddress ?? '', own.localPort ?? 0);
    }
    const local = localPartOf(fault);
    // An attempt on one of several addresses is not the socket's end.
    if (local === undefined || own.oncomplete?.name !== 'afterConnect') return undefined;
    const error = endError(errnoOf(fault), 'connect', address ?? '', port ?? 0);
    error.message += local;
    return error;
  }

  // ---- reading

  readStart(): number {
    this.#isStarted = true;
    this.reading = true;
    this.#adjustActivity();
    if (this.#rest === undefined && this.#end !== 'waits' && this.#fault === undefined) {
      this.session?.setStopped(false);
    } else {
      // A native handle would read when the loop polls again, after the callbacks of what ended before.
      setImmediate(() => {
        if (this.#isStarted) this.#deliverSoon();
      });
    }
    return 0;
  }

  readStop(): number {
    this.#isStarted = false;
    this.reading = false;
    this.#adjustActivity();
    this.session?.setStopped(true);
    return 0;
  }

  #deliverSoon(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    this.#runSoon(this.#deliver);
  }

  /** Delivers what waited while the handle was stopped. */
  #deliver(): void {
    this.#isDelivering = false;
    const rest = this.#rest;
    if (rest !== undefined && this.#canDeliver()) {
      this.#rest = undefined;
      this.#toSocket(rest);
    }
    if (this.#rest !== undefined || !this.#canDeliver()) return;
    this.session?.setStopped(false);
    if (this.#end === 'waits') this.#passEnd();
    if (this.#fault !== undefined && this.#canDeliver()) this.#passFault();
  }

  #canDeliver(): boolean {
    return this.#isStarted && !this.#isClosed;
  }

  onData(bytes: Uint8Array): void {
    this.session?.consumed(bytes.length);
    if (this.#isClosed) return;
    this.bytesRead += bytes.length;
    this.#call(CallbackKind.DATA, this.#toSocket, bytes);
  }

  #toSocket(bytes: Uint8Array): void {
    if (this.sink !== undefined) {
      this.sink.onData(bytes);
      return;
    }
    const socket = this.#socket;
    if (socket === undefined) return;
    socket._unrefTimer();
    if (socket.destroyed) return;
    if (this.#hasUserBuffer) this.#toUserBuffer(socket, bytes);
    else if (!socket.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) this.readStop();
  }

  /** Copies data into the buffers of the option `onread`, and calls its callback for each. */
  #toUserBuffer(socket: SocketParts, bytes: Uint8Array): void {
    let at = 0;
    try {
      while (at < bytes.length && this.#canDeliver()) {
        const count = fillUserBuffer(socket, bytes.subarray(at));
        if (count === 0) {
          socket.destroy(nodeError(ENOBUFS, 'read'));
          return;
        }
        at += count;
        if (!passUserBuffer(socket, count)) this.readStop();
      }
    } finally {
      if (at < bytes.length) this.#rest = bytes.subarray(at);
      // The callback threw: the handle still reads.
      if (this.#rest !== undefined && this.#canDeliver()) this.#deliverSoon();
    }
  }

  onEnd(): void {
    if (this.#isClosed || this.#end !== 'open') return;
    this.#end = 'waits';
    this.#adjustActivity();
    // A native handle reads the FIN in a turn of its own, after what the data before it has caused.
    if (this.#isStarted) this.#deliverSoon();
  }

  #passEnd(): void {
    this.#end = 'passed';
    this.#adjustActivity();
    if (this.sink !== undefined) {
      this.sink.onEnd();
      return;
    }
    const socket = this.#socket;
    if (socket === undefined) return;
    socket._unrefTimer();
    if (socket.readableEnded) return;
    socket.push(null);
    socket.read(0);
  }

  // ---- writing

  /**
   * Sends bytes. Returns true if the system has taken them all; else the caller calls `await`, or writes
   * more, and leaves the bytes unchanged until then.
   * @param isScratch true if the caller uses the memory again when this returns.
   */
  write(bytes: Uint8Array, isScratch: boolean): boolean {
    const { session } = this;
    this.bytesWritten += bytes.length;
    const waits = this.#pending !== undefined || session === undefined || this.#isClosed;
    const taken = waits ? 0 : session.write(bytes, SendFlag.COPY, false);
    if (taken === bytes.length) return session?.queued() === 0;
    this.#pending ??= new PendingWrite();
    const rest = bytes.subarray(taken);
    // `slice` would not copy: the memory is that of a Buffer.
    this.#pending.add(isScratch ? new Uint8Array(rest) : rest);
    return false;
  }

  /** Calls `done` when the system has taken all bytes, or has failed to. */
  await(done: WriteDone): void {
    const pending = (this.#pending ??= new PendingWrite());
    pending.done = done;
    this.#adjustActivity();
    if (this.isOver || this.#isStuck(pending)) this.#runSoon(this.#failWrite);
    else this.#awaitProgress(pending);
  }

  /** Returns true if bytes wait that are never taken: the program has shut the client down. */
  #isStuck(pending: PendingWrite): boolean {
    const { session } = this;
    if (pending.bytes === 0 || session === undefined) return false;
    // The fault of a connection that is over is on its way, and says more.
    return session.state() !== TcpState.CLOSED && !session.canSend();
  }

  /** Ends a write with the error of a connection that is over, at once. */
  failWrite(done: WriteDone): void {
    const pending = (this.#pending ??= new PendingWrite());
    pending.done = done;
    this.#failWrite();
  }

  #awaitProgress(pending: PendingWrite): void {
    if (pending.bytes > 0) this.session?.setWantsSpace(Math.min(pending.bytes, WANTED_BYTES));
    else this.session?.setReportsDrained(true);
  }

  onSpace(): void {
    if (this.#pending !== undefined) this.#call(CallbackKind.ACK, this.#writeOn, undefined);
  }

  onDrained(): void {
    this.session?.setReportsDrained(false);
    this.#call(CallbackKind.ACK, this.#writeOn, undefined);
  }

  #writeOn(): void {
    const pending = this.#pending;
    const { session } = this;
    if (pending === undefined || session === undefined) return;
    // A write that makes progress is no idle socket.
    this.#socket?._unrefTimer();
    pending.writeTo(session);
    if (pending.done === undefined) return;
    if (this.#isStuck(pending)) this.#failWrite();
    else if (pending.bytes > 0 || session.queued() > 0) this.#awaitProgress(pending);
    else this.#written(pending.done, null);
  }

  #written(done: WriteDone, error: Error | null): void {
    this.#pending = undefined;
    this.#adjustActivity();
    if (this.#socket !== undefined) Reflect.set(this.#socket, parts.lastWriteQueueSize, 0);
    done(error);
  }

  /** Ends the waiting write: the connection is over. */
  #failWrite(): void {
    const done = this.#pending?.done;
    if (done === undefined) return;
    const errno = this.#isClosed ? EBADF : this.#fault === undefined ? EPIPE : errnoOf(this.#fault);
    this.#written(done, nodeError(errno, 'write'));
  }

  /** Sends FIN, and calls `done` in a later turn. */
  shutdownSoon(done: () => void): void {
    this.session?.shutdown();
    this.#isShuttingDown = true;
    this.#adjustActivity();
    this.#runSoon(() => {
      this.#isShuttingDown = false;
      this.#adjustActivity();
      done();
    });
  }

  /** For callers other than net.js's own `_final`, which `socket-methods.ts` replaces. */
  shutdown(request: { oncomplete?: (status: number) => void }): number {
    this.shutdownSoon(() => request.oncomplete?.(0));
    return 0;
  }

  // ---- the end

  /** As libuv: what the system has taken is sent, what waits for it is given up. */
  override close(closed?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isStarted = false;
    const { session } = this;
    const request = this.#request;
    const done = this.#pending?.done;
    this.#request = undefined;
    this.#pending = undefined;
    if (session !== undefined) {
      if (request !== undefined) session.abort();
      // A gathered write is done before the kernel has it: its rest is still sent.
      else if (done === undefined && session.queued() > 0) session.close('closed');
      else session.drop();
    }
    if (request !== undefined) {
      this.#runSoon(() => request.oncomplete?.(ECANCELED, this, request, false, false));
    }
    this.#closeNative(() => {
      if (done !== undefined) {
        this.#call(CallbackKind.ACK, done, nodeError(ECANCELED, 'write'));
        // Two callbacks of libuv's, each with its ticks.
        runTicks();
      }
      if (isFunction(closed)) closed();
    });
  }

  /** Sends a reset, and closes. */
  reset(closed?: unknown): number {
    if (!this.#isClosed) this.session?.abort();
    this.close(closed);
    return 0;
  }

  /** Closes the native handle, whose callback comes in the phase of the loop in which net.js expects it. */
  #closeNative(closed: () => void): void {
    super.close(() => {
      this.#resource.runInAsyncScope(closed, undefined);
    });
  }

  onOver(_reason: DisconnectReason, fault: Fault | undefined): void {
    this.session = undefined;
    const request = this.#request;
    this.#request = undefined;
    if (this.#isClosed) return;
    if (request !== undefined) {
      this.#call(
        CallbackKind.ERROR,
        () => {
          this.#connectFailed(request, fault ?? { code: 0 });
        },
        undefined,
      );
      return;
    }
    if (fault !== undefined && this.#end === 'waits' && this.#canRead()) {
      // libuv reads the FIN before it writes, and so before a waiting write fails.
      this.#call(CallbackKind.END, this.#passEnd, undefined);
      runTicks();
    }
    if (!this.isClosed) this.#call(CallbackKind.DISCONNECT, this.#afterOver, fault);
  }

  #afterOver(fault: Fault | undefined): void {
    // As in libuv, a stopped handle reports only the error of a write.
    const isNoticed = this.#end === 'open' || this.#pending !== undefined || isOfWrite(fault);
    this.#fault = isNoticed ? fault : undefined;
    if (this.#end === 'open' && this.#canRead() && fault !== undefined && !isOfWrite(fault)) {
      // A native handle that reads learns of the end before its waiting write does.
      this.#passFault();
    } else if (this.#pending?.done !== undefined) {
      this.#failWrite();
      this.#fault = undefined;
    } else if (fault === undefined) {
      // The program has closed the client: the stream has no end of its own.
      if (this.#end === 'open') this.#socket?.destroy();
    } else if (isOfWrite(this.#fault) || this.#canRead()) {
      this.#passFault();
    }
  }

  #canRead(): boolean {
    return this.#isStarted && this.#rest === undefined;
  }

  #passFault(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault === undefined) return;
    const error = isOfWrite(fault)
      ? nodeError(errnoOf(fault), 'write')
      : nodeError(readErrnoOf(fault), 'read');
    if (this.sink !== undefined) this.sink.onFault(error);
    else this.#socket?.destroy(error);
  }
}

/** Returns true for a handle that Node itself made. */
export function isNative(handle: unknown): handle is InstanceType<typeof parts.Tcp> {
  return handle instanceof parts.Tcp && !(handle instanceof TcpHandle);
}

/** The kernel says EPIPE of a reset behind a FIN, which no read of Node's fails with. */
function readErrnoOf(fault: Fault): number {
  const errno = errnoOf(fault);
  return errno === EPIPE ? ECONNRESET : errno;
}

function isOfWrite(fault: Fault | undefined): boolean {
  return fault !== undefined && syscallOf(fault) === 'write';
}

/** Space for which a waiting write waits, in bytes, unless less of it is left. */
const WANTED_BYTES = 16_384;

/**
 * Methods of native handles that have no counterpart here must not reach the native handle. Without
 * `isStreamBase`, HTTP does not read from it past the socket.
 */
function shadowNativeMethods(): void {
  for (let native: unknown = parts.Tcp.prototype; isObject(native); native = Object.getPrototypeOf(native)) {
    if (native === Object.prototype) return;
    for (const name of Object.getOwnPropertyNames(native)) {
      if (name === 'constructor' || Object.hasOwn(TcpHandle.prototype, name) || name in SHADOWED) continue;
      Object.defineProperty(TcpHandle.prototype, name, {
        value: undefined,
        writable: true,
        configurable: true,
      });
    }
  }
}

/** Fields of each handle shadow these. */
const SHADOWED = { reading: 0, onconnection: 0, bytesRead: 0, bytesWritten: 0 };

shadowNativeMethods();
