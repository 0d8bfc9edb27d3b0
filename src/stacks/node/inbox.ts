/**
 * The receiving half of a connection. It delivers at most the receive window beyond what was consumed, and
 * nothing while reading is off. Then the stream is paused. Sockets are made with a high-water mark of
 * `STREAM_BYTES`, so that a paused stream stops reading when it has one piece: the kernel joins what
 * follows, and its buffer closes the peer's window.
 *
 * A piece goes: the socket's `push` → `take` → `onData` → `consume`. A piece that comes while an earlier
 * one is being delivered waits in `#waiting`. The stream reports the peer's FIN only when everything before
 * it was delivered.
 */
import type { Socket } from 'node:net';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { keepFreedMemory } from '../system/freed-memory.js';
import { JOIN_INTERVAL_MS, WithheldPieces } from '../system/withheld-pieces.js';
import { isSocketOver } from './socket-facts.js';

/** High-water mark of the streams: a paused one reads no more than one piece ahead. */
export const STREAM_BYTES = 1;

/** State that the inboxes of a stack share. */
export interface ReceivingContext {
  readonly timers: TimerWheel;
  post(job: () => void): void;
}

/** The connection that owns the inbox. */
export interface InboxOwner {
  /** The socket has received a piece, past the stream: the owner has the inbox take it. */
  onSocketData(chunk: Uint8Array): void;
  /** A piece is about to be delivered: events that have to come before it come now. */
  onBeforeData(): void;
  /** Bytes for the receiver, which keeps them. */
  onData(bytes: Uint8Array): void;
}

/** State of the stream. */
type Flow = 'flowing' | 'paused' | 'dropping';

/** `due`: waiting pieces are delivered by a posted job. */
type Delivery = 'idle' | 'due' | 'running';

export class Inbox implements TimerOwner {
  readonly #socket: Socket;
  readonly #owner: InboxOwner;
  readonly #context: ReceivingContext;
  readonly #windowBytes: number;
  /** Pieces that were delivered and not consumed. */
  readonly #withheld: WithheldPieces;
  /** The stream's own `push`. */
  readonly #push: (chunk: Uint8Array | null) => boolean;
  /** Pieces that the stream gave and that could not be delivered yet, in order. */
  #waiting: Uint8Array[] | undefined;
  #flow: Flow = 'flowing';
  #delivery: Delivery = 'idle';
  #isReading = true;
  /** True if the peer's FIN has come and data before it waits. */
  #endWaits = false;
  /** Fires when small pieces have been joined for long enough. */
  #joinTimer: Timer | undefined;

  constructor(socket: Socket, owner: InboxOwner, context: ReceivingContext, windowBytes: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#context = context;
    this.#windowBytes = windowBytes;
    this.#withheld = new WithheldPieces(windowBytes);
    this.#push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null) => this.#onSocketPush(chunk);
  }

  /**
   * `node:net` hands each piece to `push`, the stream's own method. If the stream flows and has nothing
   * buffered, the piece goes to the owner directly. Otherwise it takes the stream's way, and comes by the
   * event `data`.
   */
  #onSocketPush(chunk: Uint8Array | null): boolean {
    const socket = this.#socket;
    if (chunk === null) {
      this.#endWaits = true;
      this.#endIfDue();
      return false;
    }
    if (this.#flow !== 'paused' && socket.readableFlowing === true && socket.readableLength === 0) {
      this.#owner.onSocketData(chunk);
      return true;
    }
    const wantsMore = this.#push(chunk);
    this.#joinLater();
    return wantsMore;
  }

  /** Bytes that may be delivered before any is consumed. */
  #window(): number {
    return this.#isReading ? this.#windowBytes - this.#withheld.bytes : 0;
  }

  #canDeliver(): boolean {
    return this.#window() > 0 && !this.#withheld.isFull;
  }

  /** True if nothing more is delivered: the connection is over, or closed by the program. */
  #isOver(): boolean {
    return this.#flow === 'dropping' || isSocketOver(this.#socket);
  }

  /** Takes a piece that the socket has received. */
  take(chunk: Uint8Array): void {
    keepFreedMemory(chunk.length);
    if (this.#isOver()) {
      this.#endIfDue();
    } else if (this.#delivery === 'running' || this.#waiting !== undefined || !this.#canDeliver()) {
      (this.#waiting ??= []).push(chunk);
      this.#adjust();
    } else {
      this.#deliver(chunk);
      this.#deliverWaiting();
    }
  }

  /** Delivers as much as the window allows; the rest waits before everything else. */
  #deliver(chunk: Uint8Array): void {
    this.#delivery = 'running';
    try {
      this.#owner.onBeforeData();
      // The events before the piece may have closed the window, or the connection.
      if (this.#isOver()) return;
      const length = Math.max(0, Math.min(this.#window(), chunk.length));
      if (length < chunk.length) {
        (this.#waiting ??= []).unshift(chunk.subarray(length));
        this.#pause();
      }
      if (length === 0) return;
      this.#withheld.delivered(length);
      this.#owner.onData(new Uint8Array(chunk.buffer, chunk.byteOffset, length));
    } finally {
      this.#delivery = 'idle';
    }
  }

  /** Delivers what waits, as far as the window allows. */
  #deliverWaiting(): void {
    while (this.#waiting !== undefined && !this.#isOver() && this.#canDeliver()) {
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

  /** As `#deliverWaiting`, from the loop: no method of the port calls an event before it returns. */
  #deliverWaitingLater(): void {
    if (this.#delivery !== 'idle') return;
    if (this.#waiting === undefined || !this.#canDeliver()) {
      this.#adjust();
      return;
    }
    this.#delivery = 'due';
    this.#context.post(() => {
      // The join timer may have delivered meanwhile.
      if (this.#delivery !== 'due') return;
      this.#delivery = 'idle';
      this.#deliverWaiting();
    });
  }

  /** Lets the stream report the peer's FIN if nothing waits before it. */
  #endIfDue(): void {
    const isBehindData =
      this.#delivery === 'running' || this.#waiting !== undefined || this.#socket.readableLength > 0;
    if (!this.#endWaits || isBehindData) return;
    this.#endWaits = false;
    this.#push(null);
    // A paused stream reports its end when it is read: by a tick, so not from inside a method.
    this.#socket.read(0);
  }

  /**
   * Bytes that were received and not delivered. While the stream is paused, further ones may wait in the
   * system.
   */
  get waiting(): number {
    let bytes = this.#socket.readableLength;
    for (const { length } of this.#waiting ?? []) bytes += length;
    return bytes;
  }

  /** Opens the window by bytes that the receiver is done with. */
  consume(bytes: number): void {
    this.#withheld.returned(bytes);
    if (this.#flow === 'paused') this.#deliverWaitingLater();
  }

  setReading(on: boolean): void {
    this.#isReading = on;
    this.#deliverWaitingLater();
  }

  /** Drops the waiting pieces and all data that arrives later. */
  drop(): void {
    const wasPaused = this.#flow === 'paused';
    this.end();
    if (wasPaused) this.#socket.resume();
    this.#endIfDue();
  }

  /** The connection is over: nothing more is delivered. */
  end(): void {
    this.#flow = 'dropping';
    this.#waiting = undefined;
    if (this.#joinTimer !== undefined) this.#context.timers.disarm(this.#joinTimer);
  }

  /** Pauses the stream if nothing can be delivered, else resumes it. */
  #adjust(): void {
    if (this.#waiting === undefined && this.#canDeliver()) {
      this.#resume();
      return;
    }
    this.#pause();
    this.#joinLater();
  }

  #pause(): void {
    if (this.#flow !== 'flowing') return;
    this.#flow = 'paused';
    this.#socket.pause();
  }

  #resume(): void {
    if (this.#flow !== 'paused') return;
    this.#flow = 'flowing';
    this.#socket.resume();
  }

  // ---- joining small pieces

  /** Delivers the waiting pieces later and joined if too many are withheld. */
  #joinLater(): void {
    const isEmpty = this.#waiting === undefined && this.#socket.readableLength === 0;
    if (isEmpty || this.#flow !== 'paused' || !this.#withheld.isFull || this.#window() <= 0) return;
    const { timers } = this.#context;
    this.#joinTimer ??= new Timer(this);
    if (!this.#joinTimer.armed) timers.arm(this.#joinTimer, timers.nowMs() + JOIN_INTERVAL_MS);
  }

  /** Called by the join timer. */
  due(): void {
    if (this.#delivery === 'running' || this.#isOver() || this.#window() <= 0) return;
    // The event `data` brings the stream's pieces, which wait with the rest. Reading continues by one piece.
    if (this.#socket.readableLength > 0) this.#socket.read();
    const pieces = this.#waiting;
    this.#waiting = undefined;
    if (pieces !== undefined) this.#deliver(joined(pieces));
    this.#deliverWaiting();
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}
