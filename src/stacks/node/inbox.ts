/**
 * The receiving half of a connection: delivers no more than the receive window beyond what was given back,
 * and nothing while reading is off. The stream is paused then; sockets are made with a high-water mark of
 * `STREAM_BYTES`, so that a paused stream stops to read when it has one piece: the kernel joins what follows,
 * and its buffer closes the peer's window.
 *
 * The program's callbacks end by running the ticks that they caused, and the stream tells by ticks. So a
 * piece may come while another one is being delivered: it waits in `#waiting`, and the stream hears of the
 * peer's FIN only when everything before it was delivered.
 */
import type { Socket } from 'node:net';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { keepFreedMemory } from '../system/freed-memory.js';
import { JOIN_INTERVAL_MS, WithheldPieces } from '../system/withheld-pieces.js';

/** High-water mark of the streams: a paused one reads no more than one piece ahead. */
export const STREAM_BYTES = 1;

/** What the inboxes of a stack share. */
export interface ReceivingContext {
  readonly timers: TimerWheel;
  post(job: () => void): void;
}

export interface InboxOwner {
  /** The socket has received a piece, past the stream: the owner has the inbox take it. */
  socketData(chunk: Uint8Array): void;
  /** A piece is about to be delivered: what is to be told before it is told now. */
  beforeData(): void;
  /** The receiver is given bytes. */
  deliver(bytes: Uint8Array): void;
}

export class Inbox implements TimerOwner {
  readonly #socket: Socket;
  readonly #owner: InboxOwner;
  readonly #context: ReceivingContext;
  readonly #windowBytes: number;
  /** What was delivered and not given back. */
  readonly #withheld: WithheldPieces;
  /** The stream's own `push`. */
  readonly #push: (chunk: Uint8Array | null) => boolean;
  /** Pieces that the stream gave and that could not be delivered yet, in order. */
  #waiting: Uint8Array[] | undefined;
  /** The peer's FIN is here, and data before it waits. */
  #endWaits = false;
  #isPaused = false;
  /** `setReading` is off. */
  #isHeld = false;
  #isDropping = false;
  #isDelivering = false;
  #goOnIsDue = false;
  /** Until then, small pieces are joined. */
  #joinTimer: Timer | undefined;

  constructor(socket: Socket, owner: InboxOwner, context: ReceivingContext, windowBytes: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#context = context;
    this.#windowBytes = windowBytes;
    this.#withheld = new WithheldPieces(windowBytes);
    this.#push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null) => this.#socketPushes(chunk);
  }

  /**
   * `node:net` hands what it read to `push`, the stream's own method. When the stream has nothing buffered
   * and flows, it goes to the receiver directly; else it takes the stream's way, and comes by the event
   * `data`.
   */
  #socketPushes(chunk: Uint8Array | null): boolean {
    const socket = this.#socket;
    if (chunk === null) {
      this.#endWaits = true;
      this.#endIfDue();
      return false;
    }
    if (!this.#isPaused && socket.readableFlowing === true && socket.readableLength === 0) {
      this.#owner.socketData(chunk);
      return true;
    }
    const wantsMore = this.#push(chunk);
    this.#joinLater();
    return wantsMore;
  }

  /** Bytes that may be delivered before something is given back. */
  #window(): number {
    return this.#isHeld ? 0 : this.#windowBytes - this.#withheld.bytes;
  }

  #mayDeliver(): boolean {
    return this.#window() > 0 && !this.#withheld.isFull;
  }

  /** True if the connection is over, or closed by the program: nothing more is delivered. */
  #isOver(): boolean {
    return this.#isDropping || this.#socket.destroyed || this.#socket.errored !== null;
  }

  /** Takes what the socket has received. */
  take(chunk: Uint8Array): void {
    keepFreedMemory(chunk.length);
    if (this.#isOver()) {
      this.#endIfDue();
    } else if (this.#isDelivering || this.#waiting !== undefined || !this.#mayDeliver()) {
      (this.#waiting ??= []).push(chunk);
      this.#adjust();
    } else {
      this.#deliver(chunk);
      this.#goOn();
    }
  }

  /** Delivers as much as the window allows; the rest waits before everything else. */
  #deliver(chunk: Uint8Array): void {
    this.#isDelivering = true;
    try {
      this.#owner.beforeData();
      // Whoever was told before may have closed the window, or the connection.
      if (this.#isOver()) return;
      const length = Math.max(0, Math.min(this.#window(), chunk.length));
      if (length < chunk.length) {
        (this.#waiting ??= []).unshift(chunk.subarray(length));
        this.#pause();
      }
      if (length === 0) return;
      this.#withheld.delivered(length);
      this.#owner.deliver(new Uint8Array(chunk.buffer, chunk.byteOffset, length));
    } finally {
      this.#isDelivering = false;
    }
  }

  /** Delivers what waits, as far as it may. */
  #goOn(): void {
    while (this.#waiting !== undefined && !this.#isOver() && this.#mayDeliver()) {
      const first = this.#takeWaiting();
      if (first !== undefined) this.#deliver(first);
    }
    this.#adjust();
    this.#endIfDue();
  }

  #takeWaiting(): Uint8Array | undefined {
    const first = this.#waiting?.shift();
    if (this.#waiting?.length === 0) this.#waiting = undefined;
    return first;
  }

  /** Goes on from the loop: a method that the program calls brings no event before it returns. */
  #goOnLater(): void {
    if (this.#isDelivering || this.#goOnIsDue) return;
    if (this.#waiting === undefined || !this.#mayDeliver()) {
      this.#adjust();
      return;
    }
    this.#goOnIsDue = true;
    this.#context.post(() => {
      this.#goOnIsDue = false;
      if (!this.#isDelivering) this.#goOn();
    });
  }

  /** Has the stream tell of the peer's FIN, when nothing waits before it. */
  #endIfDue(): void {
    const isBehind = this.#isDelivering || this.#waiting !== undefined || this.#socket.readableLength > 0;
    if (!this.#endWaits || isBehind) return;
    this.#endWaits = false;
    this.#push(null);
    // A paused stream tells of its end when it is read: by a tick, so not from within a method.
    this.#socket.read(0);
  }

  /** Opens the window by bytes that the receiver is done with. */
  returned(bytes: number): void {
    this.#withheld.returned(bytes);
    if (this.#isPaused) this.#goOnLater();
  }

  setReading(on: boolean): void {
    this.#isHeld = !on;
    this.#goOnLater();
  }

  /** From now on what arrives is dropped. */
  drop(): void {
    this.end();
    if (this.#isPaused) this.#resume();
    this.#endIfDue();
  }

  /** The socket is closed: nothing more comes. */
  end(): void {
    this.#isDropping = true;
    this.#waiting = undefined;
    if (this.#joinTimer !== undefined) this.#context.timers.disarm(this.#joinTimer);
  }

  #adjust(): void {
    if (this.#isDropping) return;
    if (this.#waiting === undefined && this.#mayDeliver()) {
      if (this.#isPaused) this.#resume();
      return;
    }
    this.#pause();
    this.#joinLater();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  // ---- joining small pieces

  /** With too many pieces withheld, what waits is delivered after a while, with what has come until then. */
  #joinLater(): void {
    const isEmpty = this.#waiting === undefined && this.#socket.readableLength === 0;
    if (isEmpty || !this.#isPaused || !this.#withheld.isFull || this.#window() <= 0) return;
    const { timers } = this.#context;
    this.#joinTimer ??= new Timer(this);
    if (!this.#joinTimer.armed) timers.arm(this.#joinTimer, timers.nowMs() + JOIN_INTERVAL_MS);
  }

  /** The join timer's. */
  due(): void {
    if (this.#isDelivering || this.#isOver() || this.#window() <= 0) return;
    // What the stream has comes by the event `data`, and waits with the rest. Reading goes on by one piece.
    if (this.#socket.readableLength > 0) this.#socket.read();
    const pieces = this.#waiting;
    this.#waiting = undefined;
    if (pieces !== undefined) this.#deliver(joined(pieces));
    this.#goOn();
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}
