/**
 * One established connection on `node:net`: its ends, and its end. Its two halves, `Outbox` and `Inbox`, hold
 * the stream's own buffering to the port's promises.
 *
 * The life is a phase (`connection-phase.ts`): `#on` is the one place that changes it and acts on the
 * change. The socket's `close` is the one event that ends it.
 *
 * The socket's events call shared functions that find the connection in the socket, so that an idle
 * connection costs few closures.
 */
import type { Socket } from 'node:net';
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, Endpoint, Fault, SendFlags } from '../../port/tcp-stack.js';
import { flushGathered } from '../../support/callback-scope.js';
import { Closing, type ClosingContext, type ClosingOwner } from '../system/closing.js';
import {
  canSend,
  hasPeerEnded,
  isClosed,
  isFinDue,
  isGone,
  Phase,
  phaseAfter,
  PHASES,
  type PhaseEvent,
} from '../system/connection-phase.js';
import { showConnection, type Show } from '../system/show-connection.js';
import { connectionFault } from '../system/system-fault.js';
import { Inbox, type InboxOwner } from './inbox.js';
import { LingeringSocket, type LingerContext, type LingerOwner } from './lingering-socket.js';
import type { OpenSocket, OpenSockets } from './open-sockets.js';
import { Outbox, type OutboxOwner, type SendingContext } from './outbox.js';
import { canReset, isSocketOver, type SocketEnds } from './socket-facts.js';

/** Ethernet's 1500 bytes less the headers (RFC 9293 §3.7.1): 20 of TCP, and 20 of IPv4 or 40 of IPv6. */
const MSS_IPV4 = 1460;
const MSS_IPV6 = 1440;

const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]?: NodeConnection;
}

/** State that all connections of a stack share. */
export interface ConnectionContext extends SendingContext, ClosingContext, LingerContext {
  readonly sockets: OpenSockets;
}

export class NodeConnection
  implements Connection, OutboxOwner, InboxOwner, ClosingOwner, LingerOwner, OpenSocket
{
  // The fields that every message touches come first: with many connections, each cache line counts.

  /** The receiver of the events; `undefined` until `begin` got it, and once no further event may come. */
  #events: ConnectionEvents | undefined;
  #phase: Phase = Phase.OPEN;
  readonly #socket: OwnedSocket;
  readonly #context: ConnectionContext;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;

  readonly receiveWindowBytes: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** From `close` until our FIN is sent; then, until the socket is closed. */
  #closing: Closing | undefined;
  #lingering: LingeringSocket | undefined;
  /** Bytes that the kernel had taken in all when a closing connection was looked at last. */
  #takenBefore = 0;
  /** Fault that ended the connection. */
  #fault: Fault | undefined;

  constructor(
    context: ConnectionContext,
    socket: Socket,
    ends: SocketEnds,
    receiveWindowBytes = context.limits.receiveWindowBytes,
  ) {
    this.receiveWindowBytes = receiveWindowBytes;
    this.local = ends.local;
    this.remote = ends.remote;
    this.#context = context;
    this.#socket = socket;
    this.#outbox = new Outbox(socket, context, this);
    this.#inbox = new Inbox(socket, this, context, receiveWindowBytes);
    this.#socket[OWNER] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('finish', onFinish);
    socket.on('error', onError);
    socket.on('close', onClose);
    context.sockets.add(this);
  }

  /**
   * Shows the connection to its user, who returns the receiver of its events, or `undefined` to refuse it.
   * The socket brings no event meanwhile.
   */
  begin(show: Show): void {
    const events = showConnection(this, show);
    // The user may have aborted it already.
    if (this.#phase !== Phase.OVER) this.#events = events;
  }

  // ---- the phase

  /** Changes the phase and acts on the change. No other method changes the phase. */
  #on(event: PhaseEvent): void {
    const before = this.#phase;
    this.#phase = phaseAfter(before, event);
    if (this.#phase === before) return;
    switch (event) {
      case 'shutdown':
        this.#endSending();
        break;
      case 'close':
        if (canSend(before)) this.#endSending();
        this.#beginClosing();
        break;
      case 'finSent':
        this.#linger();
        break;
      case 'peerEnded':
        this.#outbox.reportBeforeEvent();
        this.#events?.onEnd();
        break;
      case 'fault':
        this.#reset();
        break;
      case 'end':
        this.#finish();
        break;
    }
  }

  state(): TcpState {
    return this.#isOver() ? TcpState.CLOSED : PHASES[this.#phase].state;
  }

  /** True if the connection is over, also while the socket's event is on its way. */
  #isOver(): boolean {
    return isGone(this.#phase) || isSocketOver(this.#socket);
  }

  get holding(): 'connections' | 'lingering' | undefined {
    if (this.#events !== undefined) return 'connections';
    if (this.#lingering !== undefined) return 'lingering';
    return isClosed(this.#phase) || isGone(this.#phase) ? undefined : 'connections';
  }

  mss(): number {
    return this.remote.address.includes(':') ? MSS_IPV6 : MSS_IPV4;
  }

  heardAgoMs(): undefined {
    // `node:net` does not report it.
  }

  undelivered(): number {
    return this.#isOver() ? 0 : this.#inbox.waiting;
  }

  // ---- sending

  sendSpace(): number {
    return canSend(this.#phase) && !this.#isOver() ? this.#outbox.space() : 0;
  }

  hasSpaceFor(bytes: number): boolean {
    return bytes <= this.sendSpace();
  }

  unacknowledged(): number {
    if (this.#isOver()) return 0;
    this.#outbox.countTaken();
    return this.#outbox.outstanding;
  }

  queued(): number {
    return this.#isOver() ? 0 : this.#outbox.queued();
  }

  enqueue(bytes: Uint8Array, flags: SendFlags): number {
    const piece = this.#fitting(bytes);
    if (piece.length > 0) this.#outbox.enqueue(piece, flags);
    return piece.length;
  }

  flush(): void {
    this.#outbox.flush();
  }

  enqueueAndFlush(bytes: Uint8Array, flags: SendFlags): number {
    const piece = this.#fitting(bytes);
    if (piece.length > 0) this.#outbox.enqueueAndFlush(piece, flags);
    return piece.length;
  }

  /** Returns the part of `bytes` that there is space for. */
  #fitting(bytes: Uint8Array): Uint8Array {
    const space = this.sendSpace();
    return bytes.length <= space ? bytes : bytes.subarray(0, space);
  }

  setReportsAcks(on: boolean): void {
    this.#outbox.setReportsAcks(on);
  }

  setReportsDrained(on: boolean): void {
    this.#outbox.setReportsDrained(on);
  }

  setWantsSpace(bytes: number): void {
    // There is no space any more after our FIN.
    if (canSend(this.#phase)) this.#outbox.setWantsSpace(bytes);
  }

  onTaken(): void {
    this.#sendFinIfDue();
  }

  onAcked(bytes: number): void {
    this.#events?.onAcked(bytes);
  }

  onSpaceFreed(): void {
    if (!this.#isOver()) this.#events?.onSpaceFreed?.();
  }

  onDrained(): void {
    if (!this.#isOver()) this.#events?.onDrained?.();
  }

  onDetached(): void {
    // The error that the kernel returns if it cannot read what it is to send (write(2)).
    const cause = Object.assign(new Error('write EFAULT'), { errno: -14, code: 'EFAULT', syscall: 'write' });
    this.#fail(connectionFault(cause, false));
  }

  // ---- receiving

  consume(bytes: number): void {
    this.#inbox.consume(bytes);
  }

  setReading(on: boolean): void {
    this.#inbox.setReading(on);
  }

  setTakesLoans(): void {
    // `node:net` gives away what it reads.
  }

  setTakesViews(): void {
    // `node:net` gives away what it reads.
  }

  onBeforeData(): void {
    this.#outbox.reportBeforeEvent();
  }

  onData(bytes: Uint8Array): void {
    this.#events?.onData(bytes);
  }

  // ---- the end

  shutdown(): void {
    this.#on('shutdown');
  }

  close(): void {
    if (!this.#isOver()) this.#on('close');
  }

  drop(): void {
    this.#forget();
    this.#socket.destroy();
  }

  abort(): void {
    this.#forget();
    this.#reset();
  }

  reset(): void {
    this.abort();
  }

  /** Ends the connection without a further event. */
  #forget(): void {
    // Bytes that were flushed earlier leave earlier.
    flushGathered();
    this.#events = undefined;
    this.#on('end');
  }

  #endSending(): void {
    this.#outbox.flushForFin();
    this.#sendFinIfDue();
  }

  /**
   * FIN follows when the kernel has taken the last byte, not before: libuv refuses to reset a socket that
   * is being shut down (`uv_tcp_close_reset`), and `abort` has to work until then.
   */
  #sendFinIfDue(): void {
    const socket = this.#socket;
    const isAsked = isFinDue(this.#phase) && !socket.writableEnded;
    if (isAsked && this.#outbox.outstanding === 0 && !isSocketOver(socket)) socket.end();
  }

  #beginClosing(): void {
    this.#inbox.drop();
    const isAllDone = hasPeerEnded(this.#phase) && this.#outbox.outstanding === 0;
    if (isAllDone || this.#isOver()) return;
    this.#takenBefore = this.#outbox.takenInAll();
    this.#closing = new Closing(this.#context, this, this.#outbox.outstanding);
    // If our FIN is sent already, no event of the socket brings the report.
    if (this.#phase === Phase.CLOSED) {
      this.#context.post(() => {
        this.#linger();
      });
    }
  }

  /**
   * Both our FIN and `close` are done: reports the end. The socket waits for the peer's FIN on its own. If
   * anything was sent, the process waits as well, because its end would close the socket.
   */
  #linger(): void {
    const events = this.#events;
    if (this.#phase !== Phase.CLOSED || events === undefined) return;
    this.#events = undefined;
    if (!this.#outbox.hasSent) this.#socket.unref();
    this.#closing?.end();
    this.#lingering = new LingeringSocket(this.#context, this);
    events.onClosed(undefined);
  }

  /** Resets the connection; the fault is reported when the socket is closed. */
  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#on('fault');
  }

  #reset(): void {
    const socket = this.#socket;
    // While it is being shut down, libuv refuses: `onSocketFinished` resets it then.
    const isShuttingDown = socket.writableEnded && !socket.writableFinished;
    if (socket.destroyed || isShuttingDown) return;
    if (canReset(socket)) socket.resetAndDestroy();
    else socket.destroy();
  }

  #finish(): void {
    const events = this.#events;
    this.#events = undefined;
    this.#outbox.end();
    this.#inbox.end();
    this.#closing?.end();
    this.#lingering?.end();
    events?.onClosed(this.#fault);
  }

  lookForProgress(): void {
    const taken = this.#outbox.takenInAll();
    if (taken > this.#takenBefore) this.#closing?.progressed(this.#outbox.outstanding);
    this.#takenBefore = taken;
  }

  onClosingFailed(fault: Fault): void {
    this.#fail(fault);
  }

  onLingerOver(): void {
    this.#socket.destroy();
  }

  // ---- the socket's events

  onSocketData(chunk: Uint8Array): void {
    if (this.#events !== undefined) this.#inbox.take(chunk);
    else this.#lingering?.noteLife();
  }

  onSocketEnded(): void {
    this.#on('peerEnded');
  }

  onSocketFinished(): void {
    if (isGone(this.#phase)) this.#reset();
    else this.#on('finSent');
  }

  onSocketFailed(cause: Error): void {
    this.#fail(connectionFault(cause, false));
  }

  onSocketClosed(): void {
    this.#context.sockets.remove(this);
    this.#on('end');
  }

  // ---- options

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void {
    // Node 20's method takes the first two arguments and ignores the others; capability `keepAliveProbes`.
    const socket: { setKeepAlive(on: boolean, idleMs: number, intervalMs: number, count: number): unknown } =
      this.#socket;
    socket.setKeepAlive(idleMs > 0, wholeSeconds(idleMs), wholeSeconds(intervalMs), probes);
  }

  setKeepsAlive(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** Returns milliseconds rounded up to whole seconds: 0 seconds would be the system's two hours. */
function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000) * 1000;
}

function onData(this: OwnedSocket, chunk: Uint8Array): void {
  this[OWNER]?.onSocketData(chunk);
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.onSocketEnded();
}

function onFinish(this: OwnedSocket): void {
  this[OWNER]?.onSocketFinished();
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]?.onSocketFailed(error);
}

function onClose(this: OwnedSocket): void {
  this[OWNER]?.onSocketClosed();
}
