/**
 * One connection on `node:net`. The stream's own buffering is held to the port's promises: `write` never
 * takes more than `sendSpace`, and `data` never delivers more than the receive window beyond what
 * `received` gave back.
 *
 * The socket's events call shared functions that find the connection in the socket, so that an idle
 * connection costs no closures. The socket's `close` is the one event that ends it.
 */
import type { Socket } from 'node:net';
import { TcpState } from '../../port/tcp-state.js';
import type { Connection, ConnectionEvents, StackLimits } from '../../port/tcp-stack.js';
import { assert } from '../../support/assert.js';
import { unmapped } from '../../support/ip-address.js';
import { Timer, type TimerOwner, type TimerWheel } from '../../support/timer-wheel.js';
import type { AcceptQueue, Accepting } from './accept-queue.js';
import type { CopySlab } from '../system/copy-slab.js';
import { keepFreedMemory } from '../system/freed-memory.js';
import { SendBatch } from './send-batch.js';
import { FIN_WAIT_MS, MAX_LINGERING } from '../system/lingering.js';
import { connectionFault } from '../system/system-fault.js';

/** Ethernet's 1500 bytes less the headers (RFC 9293 §3.7.1): 20 of TCP, and 20 of IPv4 or 40 of IPv6. */
const MSS_IPV4 = 1460;
const MSS_IPV6 = 1440;

const NOTHING = new Uint8Array(0);

const OWNER = Symbol('owner');

interface OwnedSocket extends Socket {
  [OWNER]?: NodeConnection;
}

/** What all connections of a stack share. */
export interface ConnectionContext {
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly slab: CopySlab;
  readonly acceptQueue: AcceptQueue;
  /** Connections that are over for the program and wait for the peer's FIN. */
  lingering: number;
  post(job: () => void): void;
}

export class NodeConnection implements Connection, TimerOwner, Accepting {
  // First what every message touches: with many connections, each cache line of theirs counts.

  /** Who hears the events; nobody once the connection is over or forgotten. */
  #events: ConnectionEvents | undefined;
  readonly #socket: OwnedSocket;
  readonly #context: ConnectionContext;
  /** What was written since the last output. */
  readonly #batch: SendBatch;
  /** `close` was called: what arrives is dropped. */
  #closing = false;
  #stands = false;
  #finWanted = false;
  /** Bytes that `data` delivered and `received` did not give back. */
  #unread = 0;
  #paused = false;
  /** `setReading` is off. */
  #isHeld = false;
  /** The last piece of the batch said that more follows. */
  #more = false;
  /** What was output, but waits for more that follows. */
  #held: SendBatch | undefined;
  /** Bytes that went to the socket, bytes of them that the kernel took, and of those that `acked` told of. */
  #given = 0;
  #accepted = 0;
  #told = 0;
  /** The kernel took bytes, in this turn of the loop, and it was not told yet. */
  #acceptanceWaits = false;
  #acceptanceTurn = 0;
  #reportsAcks = false;
  #isQueued = false;

  readonly receiveWindowBytes: number;
  localAddress = '0.0.0.0';
  localPort = 0;
  remoteAddress = '0.0.0.0';
  remotePort = 0;
  #forgotten = false;
  #cause: Error | undefined;
  readonly #choseLocalPort: boolean;
  #flushLater: (() => void) | undefined;
  #flushIsDue = false;
  #written: ((error?: Error | null) => void) | undefined;
  #awaitsKernel = false;
  /** The socket was told to end: FIN follows the last byte. */
  #finGiven = false;
  /** Shutting down is done: FIN is in the kernel's queue. */
  #finSent = false;
  #finReceived = false;
  #aborting = false;
  #finWaitTimer: Timer | undefined;

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
    this.#batch = new SendBatch(context.slab);
    this.#socket[OWNER] = this;
    socket.on('data', onData);
    this.#takeShortCut(socket);
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
    // A peer that is gone already has no address to tell.
    this.localAddress = unmapped(localAddress ?? '0.0.0.0');
    this.localPort = localPort ?? 0;
    this.remoteAddress = unmapped(remoteAddress ?? '0.0.0.0');
    this.remotePort = remotePort ?? 0;
  }

  // ---- sending

  sendSpace(): number {
    if (!this.#stands || this.#finWanted || this.#isGone()) return 0;
    // Queued, it is told in its turn; else the next turn of the loop is enough.
    const isLate = this.#acceptanceWaits && !this.#isQueued;
    if (isLate && this.#context.acceptQueue.turn !== this.#acceptanceTurn) this.#countAccepted();
    return this.#freeBytes();
  }

  unacknowledged(): number {
    if (this.#isGone()) return 0;
    this.#countAccepted();
    return this.#batch.bytes + (this.#held?.bytes ?? 0) + this.#given - this.#accepted;
  }

  heardAgoMs(): undefined {
    // `node:net` does not tell.
  }

  fits(bytes: number): boolean {
    return bytes <= this.sendSpace();
  }

  #freeBytes(): number {
    const waiting = this.#batch.bytes + (this.#held?.bytes ?? 0);
    return this.#context.limits.sendBufferBytes - waiting - (this.#given - this.#accepted);
  }

  write(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const length = Math.min(bytes.length, this.sendSpace());
    if (length === 0) return 0;
    this.#batch.add(length === bytes.length ? bytes : bytes.subarray(0, length), copy);
    this.#more = more;
    return length;
  }

  send(bytes: Uint8Array, copy: boolean, more: boolean): number {
    const length = this.write(bytes, copy, more);
    if (length > 0) this.output();
    return length;
  }

  output(): void {
    if (this.#more) this.#hold();
    else this.#flush();
  }

  /** MORE holds a batch back for what follows, but not longer than the present turn of the loop. */
  #hold(): void {
    this.#held ??= new SendBatch(this.#context.slab);
    this.#held.takeFrom(this.#batch);
    this.#more = false;
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#flushLater ??= () => {
      this.#flushIsDue = false;
      if (this.#held !== undefined) this.#leave(this.#held);
    };
    this.#context.post(this.#flushLater);
  }

  #flush(): void {
    this.#more = false;
    if (this.#held === undefined || this.#held.bytes === 0) {
      this.#leave(this.#batch);
      return;
    }
    this.#held.takeFrom(this.#batch);
    this.#leave(this.#held);
  }

  #leave(batch: SendBatch): void {
    const bytes = batch.bytes;
    if (bytes === 0 || this.#isGone()) return;
    this.#given += bytes;
    if (batch.leave(this.#socket)) this.#queueAcceptance();
    else this.#awaitKernel();
  }

  /** Part of it waits in the stream. An empty write behind it says when it was taken. */
  #awaitKernel(): void {
    if (this.#awaitsKernel) return;
    this.#awaitsKernel = true;
    this.#written ??= (error) => {
      this.#awaitsKernel = false;
      if (error !== null && error !== undefined) return;
      this.#queueAcceptance();
      if (this.#socket.writableLength > 0) this.#awaitKernel();
    };
    this.#socket.write(NOTHING, this.#written);
  }

  setReportsAcks(on: boolean): void {
    this.#reportsAcks = on;
    if (on && this.#acceptanceWaits) this.#tellSoon();
  }

  #queueAcceptance(): void {
    this.#acceptanceWaits = true;
    if (this.#reportsAcks || this.#finWanted) this.#tellSoon();
    else this.#acceptanceTurn = this.#context.acceptQueue.endTurn();
  }

  #tellSoon(): void {
    this.#context.acceptQueue.hurry();
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#context.acceptQueue.add(this);
  }

  turnTells(): void {
    this.#isQueued = false;
    if (this.#acceptanceWaits) this.#tellAccepted();
  }

  /** Whatever the stream does not hold any more, the kernel took. */
  #countAccepted(): void {
    // A write that failed has left the stream as well. In order, a connection ends only after all was told.
    if (!this.#isGone()) this.#accepted = this.#given - this.#socket.writableLength;
  }

  #tellAccepted(): void {
    this.#acceptanceWaits = false;
    this.#countAccepted();
    this.#endIfDone();
    const bytes = this.#accepted - this.#told;
    this.#told = this.#accepted;
    if (bytes > 0) this.#events?.acked(bytes);
  }

  // ---- receiving

  received(bytes: number): void {
    this.#unread -= bytes;
    assert(this.#unread >= 0, 'no more is given back than was delivered');
    if (this.#paused && this.#windowBytes() > 0) this.#resume();
  }

  setReading(on: boolean): void {
    this.#isHeld = !on;
    if (!on) this.#pause();
    else if (this.#paused && this.#windowBytes() > 0) this.#resume();
  }

  setTakesLoans(): void {
    // What `node:net` reads it gives away.
  }

  setTakesViews(): void {
    // What `node:net` reads it gives away.
  }

  /**
   * `node:net` hands what it read to `push`, the stream's own method. When the stream has nothing buffered
   * and the piece fits the window, it goes to the receiver directly; else it takes the stream's way, and
   * comes by the event `data`.
   */
  #takeShortCut(socket: Socket): void {
    const push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null): boolean => {
      const isDirect = chunk !== null && !this.#paused && socket.readableFlowing === true;
      if (!isDirect || socket.readableLength > 0 || chunk.length > this.#windowBytes()) return push(chunk);
      this.socketData(chunk);
      return true;
    };
  }

  /** What may still be delivered before something is given back. */
  #windowBytes(): number {
    return this.#isHeld ? 0 : this.receiveWindowBytes - this.#unread;
  }

  socketData(chunk: Uint8Array): void {
    keepFreedMemory(chunk.length);
    if (this.#acceptanceWaits) this.#tellAccepted();
    // The stream of a socket that has failed drops a rest that is put back, and gives the next piece.
    if (this.#closing || this.#events === undefined || this.#isGone()) return;
    const window = this.#windowBytes();
    const fits = chunk.length <= window;
    if (!fits) {
      this.#pause();
      this.#socket.unshift(chunk.subarray(window));
    }
    if (window > 0) {
      const bytes = fits ? chunk : chunk.subarray(0, window);
      this.#unread += bytes.length;
      this.#events.data(bytes);
    }
    if (this.#windowBytes() <= 0) this.#pause();
  }

  #pause(): void {
    if (this.#paused || this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  // ---- the end

  shutdown(): void {
    if (this.#finWanted) return;
    this.#flush();
    this.#finWanted = true;
    this.#endIfDone();
    // FIN waits for the acceptance: now somebody awaits it.
    if (this.#acceptanceWaits) this.#tellSoon();
  }

  close(): void {
    const finSentBefore = this.#finSent;
    this.shutdown();
    this.#closing = true;
    if (this.#paused) this.#resume();
    if (finSentBefore) {
      this.#context.post(() => {
        this.#linger();
      });
    }
  }

  /**
   * FIN follows when the kernel has taken the last byte, not before: libuv refuses to reset a socket that
   * waits to be shut down (`uv_tcp_close_reset`), and `abort` has to work until then.
   */
  #endIfDone(): void {
    if (!this.#finWanted || this.#finGiven || this.#given > this.#accepted) return;
    this.#finGiven = true;
    this.#socket.end();
  }

  abort(): void {
    this.#forget();
    if (!this.#stands) this.#socket.destroy();
    else if (this.#finGiven && !this.#finSent) this.#aborting = true;
    else this.#reset();
  }

  #reset(): void {
    if (this.#socket.destroyed) return;
    if (canReset(this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /**
   * After `close` our side is done with its FIN, and the program is told so. The socket waits for the
   * peer's FIN on its own, dropping what still arrives: closed with data unread, the kernel would send a
   * reset (RFC 1122 §4.2.2.13), which could overtake data of ours that the peer has not read. Neither the
   * program nor the process waits for a peer that never ends its side.
   */
  #linger(): void {
    const events = this.#events;
    if (this.#finReceived || events === undefined) return;
    this.#forget();
    if (this.#context.lingering < MAX_LINGERING) {
      this.#context.lingering += 1;
      this.#finWaitTimer = new Timer(this);
      this.#context.timers.arm(this.#finWaitTimer, this.#context.timers.nowMs() + FIN_WAIT_MS);
      this.#socket.unref();
    } else {
      this.#socket.destroy();
    }
    events.closed(undefined);
  }

  /** The timer's: the peer had its time. */
  due(): void {
    this.#socket.destroy();
  }

  #forget(): void {
    this.#forgotten = true;
    this.#events = undefined;
  }

  // ---- the socket's events

  socketConnected(): void {
    this.#stand();
    this.#events?.connected();
  }

  socketEnded(): void {
    this.#finReceived = true;
    if (this.#acceptanceWaits) this.#tellAccepted();
    this.#events?.end();
  }

  socketFinished(): void {
    this.#finSent = true;
    if (this.#aborting) this.#reset();
    else if (this.#closing) this.#linger();
  }

  socketFailed(cause: Error): void {
    this.#cause ??= cause;
  }

  socketClosed(): void {
    const events = this.#events;
    this.#forget();
    if (this.#finWaitTimer !== undefined) {
      this.#context.timers.disarm(this.#finWaitTimer);
      this.#context.lingering -= 1;
    }
    events?.closed(
      this.#cause === undefined ? undefined : connectionFault(this.#cause, this.#choseLocalPort),
    );
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
