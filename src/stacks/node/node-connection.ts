/**
 * One connection on `node:net`: its state, its ends, and how it ends. The stream's own buffering is held to
 * the port's promises by its two halves, `Outbox` and `Inbox`.
 *
 * The socket's events call shared functions that find the connection in the socket, so that an idle
 * connection costs few closures. The socket's `close` is the one event that ends it.
 */
import type { Socket } from 'node:net';
import { ErrorCode } from '../../port/error-code.js';
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, Fault, StackLimits } from '../../port/tcp-stack.js';
import { letLeave } from '../../support/callback-scope.js';
import { unmapped } from '../../support/ip-address.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS, LOOKS_PER_CLOSE_TIMEOUT } from '../system/lingering.js';
import { connectionFault } from '../system/system-fault.js';
import { Inbox, type InboxOwner } from './inbox.js';
import { Outbox, type OutboxOwner, type SendingContext } from './outbox.js';

/** Ethernet's 1500 bytes less the headers (RFC 9293 §3.7.1): 20 of TCP, and 20 of IPv4 or 40 of IPv6. */
const MSS_IPV4 = 1460;
const MSS_IPV6 = 1440;

const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]?: NodeConnection;
}

/** What all connections of a stack share. */
export interface ConnectionContext extends SendingContext {
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  /** Connections that the program has closed and the stack still finishes. */
  readonly lingerers: LingerRegistry;
}

export class NodeConnection implements Connection, TimerOwner, OutboxOwner, InboxOwner, Lingerer {
  // First what every message touches: with many connections, each cache line of theirs counts.

  /** Who hears the events; nobody once the connection is over or forgotten. */
  #events: ConnectionEvents | undefined;
  readonly #socket: OwnedSocket;
  readonly #context: ConnectionContext;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  /** `close` was called: what arrives is dropped. */
  #closing = false;
  #stands = false;
  #finWanted = false;

  readonly receiveWindowBytes: number;
  localAddress = '';
  localPort = 0;
  remoteAddress = '';
  remotePort = 0;
  #forgotten = false;
  #fault: Fault | undefined;
  readonly #choseLocalPort: boolean;
  /** The socket was told to end: FIN follows the last byte. */
  #finGiven = false;
  /** Shutting down is done: FIN is in the kernel's queue. */
  #finSent = false;
  #finReceived = false;
  #resetsAfterFin = false;
  /** Closing: its place among those that close, the timer, and what the kernel had taken at the last look. */
  #linger: LingerEntry | undefined;
  #timer: Timer | undefined;
  #takenBefore = 0;
  #lingersUntilMs = 0;

  /**
   * @param events `undefined` for an accepted connection, until somebody wants it.
   * @param localPort the port that was asked for, 0 for any; `undefined` for an accepted connection, which
   *   stands.
   */
  constructor(
    context: ConnectionContext,
    socket: Socket,
    events: ConnectionEvents | undefined,
    localPort?: number,
    receiveWindowBytes = context.limits.receiveWindowBytes,
  ) {
    this.receiveWindowBytes = receiveWindowBytes;
    this.#choseLocalPort = localPort !== undefined && localPort !== 0;
    this.#context = context;
    this.#socket = socket;
    this.#events = events;
    this.#outbox = new Outbox(socket, context, this);
    this.#inbox = new Inbox(socket, this, context, receiveWindowBytes);
    this.#socket[OWNER] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('finish', onFinish);
    socket.on('error', onError);
    socket.on('close', onClose);
    if (localPort === undefined) this.#stand();
    else socket.on('connect', onConnect);
  }

  setEvents(events: ConnectionEvents): void {
    if (!this.#forgotten) this.#events = events;
  }

  // ---- state

  state(): TcpState {
    if (this.#isGone()) return TcpState.CLOSED;
    if (!this.#stands) return TcpState.SYN_SENT;
    if (!this.#finWanted) return this.#finReceived ? TcpState.CLOSE_WAIT : TcpState.ESTABLISHED;
    if (this.#finReceived) return TcpState.LAST_ACK;
    return this.#finSent ? TcpState.FIN_WAIT_2 : TcpState.FIN_WAIT_1;
  }

  /** A socket whose write failed is destroyed a moment later, and has forgotten what the kernel refused. */
  #isGone(): boolean {
    return this.#socket.destroyed || this.#socket.errored !== null;
  }

  mss(): number {
    if (!this.#stands) return 0;
    return this.remoteAddress.includes(':') ? MSS_IPV6 : MSS_IPV4;
  }

  #stand(): void {
    this.#stands = true;
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    this.localAddress = unmapped(localAddress ?? '');
    this.localPort = localPort ?? 0;
    this.remoteAddress = unmapped(remoteAddress ?? '');
    this.remotePort = remotePort ?? 0;
  }

  // ---- sending

  sendSpace(): number {
    if (!this.#stands || this.#finWanted || this.#isGone()) return 0;
    return this.#outbox.space(this.#context.limits.sendBufferBytes);
  }

  unacknowledged(): number {
    if (this.#isGone()) return 0;
    this.#outbox.countAccepted();
    return this.#outbox.outstanding;
  }

  heardAgoMs(): undefined {
    // `node:net` does not tell.
  }

  fits(bytes: number): boolean {
    return bytes <= this.sendSpace();
  }

  write(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const piece = this.#fitting(bytes);
    if (piece.length > 0) this.#outbox.add(piece, copy, more);
    return piece.length;
  }

  send(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const piece = this.#fitting(bytes);
    if (piece.length > 0) this.#outbox.send(piece, copy, more);
    return piece.length;
  }

  #fitting(bytes: Uint8Array): Uint8Array {
    const space = this.sendSpace();
    return bytes.length <= space ? bytes : bytes.subarray(0, space);
  }

  output(): void {
    this.#outbox.output();
  }

  setReportsAcks(on: boolean): void {
    this.#outbox.setAwaited(on || this.#finWanted);
  }

  accepted(bytes: number): void {
    this.#endIfDone();
    if (bytes > 0) this.#events?.acked(bytes);
  }

  takenAway(): void {
    // As the kernel says when it cannot read what it is to send (write(2)).
    const cause = Object.assign(new Error('write EFAULT'), { errno: -14, code: 'EFAULT', syscall: 'write' });
    this.#fail(connectionFault(cause, false));
  }

  // ---- receiving

  received(bytes: number): void {
    this.#inbox.returned(bytes);
  }

  setReading(on: boolean): void {
    this.#inbox.setReading(on);
  }

  setTakesLoans(): void {
    // What `node:net` reads it gives away.
  }

  setTakesViews(): void {
    // What `node:net` reads it gives away.
  }

  beforeData(): void {
    if (this.#outbox.acceptanceWaits) this.#outbox.tellAccepted();
  }

  deliver(bytes: Uint8Array): void {
    this.#events?.data(bytes);
  }

  // ---- the end

  shutdown(): void {
    if (this.#finWanted) return;
    this.#outbox.finish();
    this.#finWanted = true;
    this.#endIfDone();
    // FIN waits for the acceptance: now somebody awaits it.
    this.#outbox.setAwaited(true);
  }

  close(): void {
    if (this.#closing || this.#isGone()) return;
    const finSentBefore = this.#finSent;
    this.shutdown();
    this.#closing = true;
    this.#inbox.drop();
    const isAllButOver = this.#finReceived && this.#outbox.outstanding === 0;
    if (isAllButOver || this.#isGone()) return;
    this.#takenBefore = this.#outbox.takenInAll();
    this.#linger = new LingerEntry(this);
    this.#context.lingerers.add(this.#linger, this.#outbox.outstanding);
    this.#lookIn(this.#context.limits.closeTimeoutMs / LOOKS_PER_CLOSE_TIMEOUT);
    if (finSentBefore) {
      this.#context.post(() => {
        this.#enterLingering();
      });
    }
  }

  /**
   * FIN follows when the kernel has taken the last byte, not before: libuv refuses to reset a socket that
   * waits to be shut down (`uv_tcp_close_reset`), and `abort` has to work until then.
   */
  #endIfDone(): void {
    if (!this.#finWanted || this.#finGiven || this.#outbox.outstanding > 0 || this.#isGone()) return;
    this.#finGiven = true;
    this.#socket.end();
  }

  abort(): void {
    // In the order of the calls: what was sent before leaves before.
    letLeave();
    this.#forget();
    this.#reset();
  }

  #reset(): void {
    if (this.#socket.destroyed) return;
    if (this.#finGiven && !this.#finSent) this.#resetsAfterFin = true;
    else if (this.#stands && canReset(this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Resets the connection; the receiver is told when the socket is closed. */
  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#reset();
  }

  /**
   * After `close` our side is done with its FIN, and the program is told so. The socket waits for the
   * peer's FIN on its own, dropping what still arrives: closed with data unread, the kernel would send a
   * reset (RFC 1122 §4.2.2.13), which could overtake data of ours that the peer has not read. The process
   * waits as well, if anything was sent: its end closes the socket too.
   */
  #enterLingering(): void {
    const events = this.#events;
    if (this.#finReceived || events === undefined) return;
    this.#forget();
    if (!this.#outbox.hasSent) this.#socket.unref();
    this.#showsLife();
    this.#lingersUntilMs = this.#context.timers.nowMs() + LONGEST_LINGER_MS;
    this.#lookIn(FIN_WAIT_MS);
    events.closed(undefined);
  }

  #isLingering(): boolean {
    return this.#forgotten && this.#finSent;
  }

  #showsLife(): void {
    if (this.#linger?.isIn === true)
      this.#context.lingerers.progressed(this.#linger, this.#outbox.outstanding);
  }

  /** Too many connections close at once, and this one stands longest. */
  cut(): void {
    const cause = new Error(
      'too many connections are being closed, and this one has gone longest without progress',
    );
    this.#fail({ code: ErrorCode.ERR_MEM, cause });
  }

  #lookIn(ms: number): void {
    this.#timer ??= new Timer(this);
    this.#context.timers.arm(this.#timer, this.#context.timers.nowMs() + ms);
  }

  /** Looks at a closing connection. */
  due(nowMs: number): void {
    const sinceMs = this.#linger?.progressMs ?? nowMs;
    if (this.#isLingering()) {
      if (nowMs - sinceMs >= FIN_WAIT_MS || nowMs >= this.#lingersUntilMs) this.#socket.destroy();
      else this.#lookIn(Math.min(sinceMs + FIN_WAIT_MS, this.#lingersUntilMs) - nowMs);
      return;
    }
    const { closeTimeoutMs } = this.#context.limits;
    const taken = this.#outbox.takenInAll();
    if (taken > this.#takenBefore) this.#showsLife();
    else if (nowMs - sinceMs >= closeTimeoutMs) this.#timeOut(closeTimeoutMs);
    this.#takenBefore = taken;
    if (!this.#isGone()) this.#lookIn(closeTimeoutMs / LOOKS_PER_CLOSE_TIMEOUT);
  }

  #timeOut(ms: number): void {
    const cause = new Error(`the peer has taken nothing for ${ms} ms while the connection was being closed`);
    this.#fail({ code: ErrorCode.ERR_TIMEOUT, cause });
  }

  #forget(): void {
    this.#forgotten = true;
    this.#events = undefined;
  }

  // ---- the socket's events

  socketConnected(): void {
    if (isOverAlready(this.#socket)) {
      const cause = Object.assign(new Error('connect ECONNRESET'), {
        code: 'ECONNRESET',
        syscall: 'connect',
      });
      this.#fail(connectionFault(cause, this.#choseLocalPort));
      return;
    }
    this.#stand();
    this.#events?.connected();
  }

  socketData(chunk: Uint8Array): void {
    if (this.#isLingering()) this.#showsLife();
    else if (this.#events !== undefined) this.#inbox.take(chunk);
  }

  socketEnded(): void {
    this.#finReceived = true;
    if (this.#outbox.acceptanceWaits) this.#outbox.tellAccepted();
    this.#events?.end();
  }

  socketFinished(): void {
    this.#finSent = true;
    if (this.#resetsAfterFin) this.#reset();
    else if (this.#closing) this.#enterLingering();
  }

  socketFailed(cause: Error): void {
    this.#fault ??= connectionFault(cause, this.#choseLocalPort);
  }

  socketClosed(): void {
    const events = this.#events;
    this.#forget();
    this.#outbox.end();
    this.#inbox.end();
    if (this.#timer !== undefined) this.#context.timers.disarm(this.#timer);
    if (this.#linger !== undefined) this.#context.lingerers.remove(this.#linger);
    events?.closed(this.#fault);
  }

  // ---- options

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(idleMs: number, probes: number): void {
    // Node 20's method takes the first two arguments and ignores the others; capability `keepAliveProbes`.
    const socket: { setKeepAlive(on: boolean, idleMs: number, intervalMs: number, count: number): unknown } =
      this.#socket;
    // Both are whole seconds, and 0 of them would be the system's two hours.
    const wholeMs = Math.ceil(idleMs / 1000) * 1000;
    socket.setKeepAlive(idleMs > 0, wholeMs, wholeMs, probes);
  }

  setKeepsAlive(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** True if a socket that has just come into being was reset meanwhile: the kernel knows no peer of it. */
export function isOverAlready(socket: Socket): boolean {
  return socket.destroyed || socket.remoteAddress === undefined;
}

/** Older runtimes that imitate Node cannot reset. */
export function canReset(socket: Partial<Pick<Socket, 'resetAndDestroy'>>): boolean {
  return typeof socket.resetAndDestroy === 'function';
}

function onConnect(this: OwnedSocket): void {
  this[OWNER]?.socketConnected();
}

function onData(this: OwnedSocket, chunk: Uint8Array): void {
  this[OWNER]?.socketData(chunk);
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.socketEnded();
}

function onFinish(this: OwnedSocket): void {
  this[OWNER]?.socketFinished();
}

function onError(this: OwnedSocket, error: Error): void {
  this[OWNER]?.socketFailed(error);
}

function onClose(this: OwnedSocket): void {
  this[OWNER]?.socketClosed();
}
