/**
 * The part of a `TcpHandle` that is not its bytes: the connection's client, socket and asynchronous context,
 * its addresses and options, and if it keeps the process alive.
 *
 * The class extends the class of native TCP handles, because native code takes only its objects. The native
 * handle itself is never opened, and each of its methods is shadowed.
 */
import { AsyncResource } from 'node:async_hooks';
import { coreOf, type AsyncClient } from '../asynctcp/async-client.js';
import type { ClientStream } from '../asynctcp/client-stream.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import { observer } from '../asynctcp/observer.js';
import type { Session } from '../asynctcp/session.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import type { Endpoint, Fault } from '../port/tcp-stack.js';
import { setImmediate } from '../support/immediate.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { ConnectionReport } from '../task/connection-report.js';
import { callIn, type CallbackOwner } from '../task/dispatch.js';
import { fillAddress, type AddressOut } from './handle-address.js';
import { keepAliveOf, NO_KEEP_ALIVE } from './keep-alive.js';
import { errnoNamed } from './node-errors.js';
import { hasSocketParts, isObject, type SocketParts } from './node-parts.js';
import { parts } from './parts.js';

const EINVAL = errnoNamed('EINVAL');
const ENOTCONN = errnoNamed('ENOTCONN');
const EBADF = errnoNamed('EBADF');

/** Type of a native TCP handle that connects or is accepted. */
const SOCKET = 0;

const NO_DESCRIPTOR = -1;

/** Takes the data and the end of a connection in place of the socket: TLS (`tls-face.ts`). */
export interface Sink {
  /** Returns the number of bytes, at least 1, that a native stream would pass on before it runs ticks. */
  take(bytes: Uint8Array): number;
  onData(bytes: Uint8Array): void;
  onEnd(): void;
  onFault(error: Error): void;
}

export abstract class ConnectionHandle extends parts.Tcp implements ClientStream, CallbackOwner {
  // Fields that net.js, or a user of it, reads and writes.
  reading = false;
  onconnection: unknown = undefined;
  bytesRead = 0;
  bytesWritten = 0;

  /** Stack of the connection; `undefined`: the configuration's. */
  readonly stack: StackOption | undefined;
  /** Set from `connect` or `accept` on. */
  client: AsyncClient | undefined;
  /** Set until the life of the connection is over. */
  session: Session<AsyncClient> | undefined;
  /** Takes the data in place of the socket. */
  sink: Sink | undefined;
  /** Fault that is not reported yet: a handle that neither reads nor writes reports none. */
  protected fault: Fault | undefined;
  protected bound: Endpoint | undefined;
  protected isMapped = false;

  #socket: SocketParts | undefined;
  #onRead: unknown;
  #resource = new AsyncResource('TCPWRAP');
  #isClosed = false;
  #keepsAlive = true;
  /** The client's present setting. */
  #isActive = true;

  constructor(stack: StackOption | undefined) {
    super(SOCKET);
    this.stack = stack;
  }

  abstract onConnected(): void;
  abstract onData(bytes: Uint8Array): void;
  abstract onEnd(): void;
  abstract onSpace(): void;
  abstract onDrained(): void;
  abstract onOver(reason: DisconnectReason, fault: Fault | undefined): void;

  /** Returns true while the handle reads, writes, connects or shuts down. */
  protected abstract isBusy(): boolean;

  protected join(client: AsyncClient): void {
    this.client = client;
    const { session } = coreOf(client);
    this.session = session;
    session?.attach(this);
  }

  // ---- the watchdog's and the dispatcher's view

  /** An exception reaches the runtime's uncaught-error path, and leaves the socket alive, as in Node. */
  callbackThrew(error: unknown): void {
    if (this.session !== undefined) observer?.onException(this.session, error);
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

  /** Runs a method as a callback, in the handle's context. */
  protected runNow<A>(kind: CallbackKind, method: (this: this, a: A) => void, a: A): void {
    callIn(this, kind, this.#resource, method, a);
  }

  /** Runs a method in the handle's context, from the event loop, where no callback runs. */
  protected runSoon(method: (this: this) => void): void {
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

  getsockname(out: AddressOut): number {
    if (this.client !== undefined && this.client.localPort() !== 0) {
      fillAddress(out, { address: this.client.localIP(), port: this.client.localPort() }, this.isMapped);
      return 0;
    }
    if (this.bound === undefined) return EBADF;
    fillAddress(out, this.bound, false);
    return 0;
  }

  getpeername(out: AddressOut): number {
    const { client } = this;
    if (client === undefined || client.remotePort() === 0) return ENOTCONN;
    fillAddress(out, { address: client.remoteIP(), port: client.remotePort() }, this.isMapped);
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

  // ---- the process

  hasRef(): boolean {
    return this.#keepsAlive && !this.#isClosed;
  }

  ref(): void {
    this.#keepsAlive = true;
    this.adjustActivity();
  }

  unref(): void {
    this.#keepsAlive = false;
    this.adjustActivity();
  }

  /** As libuv: a handle that has nothing to do keeps no process alive. */
  protected adjustActivity(): void {
    if (this.session === undefined || this.client === undefined) return;
    const isActive = this.#keepsAlive && !this.#isClosed && this.isBusy();
    if (isActive === this.#isActive) return;
    this.#isActive = isActive;
    if (isActive) this.client.ref();
    else this.client.unref();
  }

  // ---- the end

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True if the system takes no more bytes: the connection is over. */
  get isOver(): boolean {
    return this.#isClosed || this.session === undefined;
  }

  protected markClosed(): void {
    this.#isClosed = true;
  }

  /** Closes the native handle, whose callback comes in the phase of the loop in which net.js expects it. */
  protected closeNative(closed: () => void): void {
    super.close(() => {
      this.#resource.runInAsyncScope(closed, undefined);
    });
  }
}

/** Fields of each handle shadow these. */
const FIELDS = new Set(['reading', 'onconnection', 'bytesRead', 'bytesWritten']);

/**
 * Methods of native handles that have no counterpart here must not reach the native handle. Without
 * `isStreamBase`, HTTP does not read from it past the socket.
 */
function shadowNativeMethods(): void {
  const own = ConnectionHandle.prototype;
  for (let native: unknown = parts.Tcp.prototype; isObject(native); native = Object.getPrototypeOf(native)) {
    if (native === Object.prototype) return;
    for (const name of Object.getOwnPropertyNames(native)) {
      if (name === 'constructor' || FIELDS.has(name) || Object.hasOwn(own, name)) continue;
      Object.defineProperty(own, name, { value: undefined, writable: true, configurable: true });
    }
  }
}

shadowNativeMethods();
