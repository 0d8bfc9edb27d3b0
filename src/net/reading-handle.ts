/**
 * The reading half of a `TcpHandle`: the session's `onData` → the socket's `push`. A stopped handle stops the
 * session, so that the receive window closes.
 */
import type { Fault } from '../port/tcp-stack.js';
import { currentTurn, runTicks } from '../support/callback-scope.js';
import { setImmediate } from '../support/immediate.js';
import { CallbackKind } from '../task/callback-kind.js';
import type { Sink } from './connection-handle.js';
import { errnoNamed, errnoOf, nodeError, syscallOf } from './node-errors.js';
import type { SocketParts } from './node-parts.js';
import { fillUserBuffer, passUserBuffer } from './user-buffer.js';
import { WritingHandle } from './writing-handle.js';

const ENOBUFS = errnoNamed('ENOBUFS');
const ECONNRESET = errnoNamed('ECONNRESET');
const EPIPE = errnoNamed('EPIPE');

export abstract class ReadingHandle extends WritingHandle {
  /** True between `readStart` and `readStop`. */
  protected isStarted = false;
  /** The peer's FIN: not come, come while the handle was stopped, or passed on. */
  protected peerEnd: 'open' | 'waits' | 'passed' = 'open';
  #hasUserBuffer = false;
  /** Data that the buffer of the option `onread` could not take. */
  #rest: Uint8Array | undefined;
  #isDelivering = false;
  /** Turn in which data came last. */
  #dataTurn = -1;

  protected override isBusy(): boolean {
    return (this.isStarted && this.peerEnd === 'open') || super.isBusy();
  }

  /** Called by net.js for a socket with the option `onread`, which keeps the buffer under `parts.buffer`. */
  useUserBuffer(): void {
    this.#hasUserBuffer = true;
  }

  readStart(): number {
    this.isStarted = true;
    this.reading = true;
    this.adjustActivity();
    if (this.#rest === undefined && this.peerEnd !== 'waits' && this.fault === undefined) {
      this.session?.setStopped(false);
    } else {
      // A native handle would read when the loop polls again, after the callbacks of what ended before.
      setImmediate(() => {
        if (this.isStarted) this.#deliverSoon();
      });
    }
    return 0;
  }

  readStop(): number {
    this.isStarted = false;
    this.reading = false;
    this.adjustActivity();
    this.session?.setStopped(true);
    return 0;
  }

  #deliverSoon(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    this.runSoon(this.#deliver);
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
    if (this.peerEnd === 'waits') this.#passEnd();
    if (this.fault !== undefined && this.#canDeliver()) this.passFault();
  }

  #canDeliver(): boolean {
    return this.isStarted && !this.isClosed;
  }

  onData(bytes: Uint8Array): void {
    this.session?.consumed(bytes.length);
    if (this.isClosed) return;
    this.bytesRead += bytes.length;
    this.#dataTurn = currentTurn();
    const { sink } = this;
    if (sink === undefined) this.runNow(CallbackKind.DATA, this.#toSocket, bytes);
    else this.#toSink(sink, bytes);
  }

  /** Passes data on piece by piece. The loop that brought it runs the ticks after the last piece. */
  #toSink(sink: Sink, bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0 && !this.isClosed) {
      const length = sink.take(rest);
      const isLast = length === rest.length;
      this.runNow(CallbackKind.DATA, this.#toSocket, isLast ? rest : rest.subarray(0, length));
      if (isLast) return;
      runTicks();
      rest = rest.subarray(length);
    }
  }

  #toSocket(bytes: Uint8Array): void {
    if (this.sink !== undefined) {
      this.sink.onData(bytes);
      return;
    }
    const socket = this.socket;
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
    if (this.isClosed || this.peerEnd !== 'open') return;
    this.peerEnd = 'waits';
    this.adjustActivity();
    if (!this.isStarted || this.#isDelivering) return;
    // A native handle reads the FIN in a turn of its own, after what the data before it has caused. Without
    // such data the FIN keeps its place among the turn's events.
    if (this.#dataTurn === currentTurn()) this.#deliverSoon();
    else this.runNow(CallbackKind.END, this.#deliver, undefined);
  }

  #passEnd(): void {
    this.peerEnd = 'passed';
    this.adjustActivity();
    if (this.sink !== undefined) {
      this.sink.onEnd();
      return;
    }
    const socket = this.socket;
    if (socket === undefined) return;
    socket._unrefTimer();
    if (socket.readableEnded) return;
    socket.push(null);
    socket.read(0);
  }

  /** Passes the peer's FIN on at once if it waits for a turn of its own. */
  protected passWaitingEnd(): void {
    if (this.peerEnd !== 'waits' || !this.canRead()) return;
    this.runNow(CallbackKind.END, this.#passEnd, undefined);
    runTicks();
  }

  protected canRead(): boolean {
    return this.isStarted && this.#rest === undefined;
  }

  protected passFault(): void {
    const fault = this.fault;
    this.fault = undefined;
    if (fault === undefined) return;
    const error = isOfWrite(fault)
      ? nodeError(errnoOf(fault), 'write')
      : nodeError(readErrnoOf(fault), 'read');
    if (this.sink !== undefined) this.sink.onFault(error);
    else this.socket?.destroy(error);
  }
}

/** The kernel says EPIPE of a reset behind a FIN, which no read of Node's fails with. */
function readErrnoOf(fault: Fault): number {
  const errno = errnoOf(fault);
  return errno === EPIPE ? ECONNRESET : errno;
}

export function isOfWrite(fault: Fault | undefined): boolean {
  return fault !== undefined && syscallOf(fault) === 'write';
}
