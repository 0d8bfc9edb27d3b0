/**
 * The receiving half of a connection: delivers no more than the receive window beyond what was given back,
 * and nothing while reading is off. The stream is paused then; sockets are made with a high-water mark of
 * `STREAM_BYTES`, so that a paused stream stops to read when it has one piece: the kernel joins what follows,
 * and its buffer closes the peer's window.
 */
import type { Socket } from 'node:net';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timer-wheel.js';
import { keepFreedMemory } from '../system/freed-memory.js';
import { JOIN_INTERVAL_MS, WithheldPieces } from '../system/withheld-pieces.js';

/** High-water mark of the streams: a paused one reads no more than one piece ahead. */
export const STREAM_BYTES = 1;

export interface InboxOwner {
  /** The socket has received a piece, past the stream: the owner has the inbox take it. */
  socketData(chunk: Uint8Array): void;
  /** The receiver is given bytes. */
  deliver(bytes: Uint8Array): void;
}

export class Inbox implements TimerOwner {
  readonly #socket: Socket;
  readonly #owner: InboxOwner;
  readonly #timers: TimerWheel;
  readonly #windowBytes: number;
  /** What was delivered and not given back. */
  readonly #withheld: WithheldPieces;
  #isPaused = false;
  /** `setReading` is off. */
  #isHeld = false;
  #isDropping = false;
  /** Until then, small pieces are joined. */
  #joinTimer: Timer | undefined;

  constructor(socket: Socket, owner: InboxOwner, timers: TimerWheel, windowBytes: number) {
    this.#socket = socket;
    this.#owner = owner;
    this.#timers = timers;
    this.#windowBytes = windowBytes;
    this.#withheld = new WithheldPieces(windowBytes);
    this.#takeShortCut(socket);
  }

  /**
   * `node:net` hands what it read to `push`, the stream's own method. When the stream has nothing buffered
   * and the piece fits the window, it goes to the receiver directly; else it takes the stream's way, and
   * comes by the event `data`.
   */
  #takeShortCut(socket: Socket): void {
    const push = socket.push.bind(socket);
    socket.push = (chunk: Uint8Array | null): boolean => {
      const isDirect = chunk !== null && !this.#isPaused && socket.readableFlowing === true;
      if (isDirect && socket.readableLength === 0 && chunk.length <= this.#window()) {
        this.#owner.socketData(chunk);
        return true;
      }
      const wantsMore = push(chunk);
      this.#joinLater();
      return wantsMore;
    };
  }

  /** Bytes that may be delivered before something is given back. */
  #window(): number {
    return this.#isHeld ? 0 : this.#windowBytes - this.#withheld.bytes;
  }

  /** Takes what the socket has received. */
  take(chunk: Uint8Array): void {
    keepFreedMemory(chunk.length);
    // The stream of a socket that has failed drops a rest that is put back, and gives the next piece.
    if (this.#isDropping || this.#socket.destroyed || this.#socket.errored !== null) return;
    const window = this.#window();
    if (chunk.length > window) {
      this.#pause();
      this.#socket.unshift(chunk.subarray(window));
    }
    if (window > 0) {
      const length = Math.min(window, chunk.length);
      this.#withheld.delivered(length);
      this.#owner.deliver(new Uint8Array(chunk.buffer, chunk.byteOffset, length));
    }
    this.#adjust();
  }

  /** Opens the window by bytes that the receiver is done with. */
  returned(bytes: number): void {
    this.#withheld.returned(bytes);
    if (this.#isPaused) this.#adjust();
  }

  setReading(on: boolean): void {
    this.#isHeld = !on;
    this.#adjust();
  }

  /** From now on what arrives is dropped. */
  drop(): void {
    this.#isDropping = true;
    if (this.#joinTimer !== undefined) this.#timers.disarm(this.#joinTimer);
    if (this.#isPaused) this.#resume();
  }

  /** The socket is closed: nothing more comes. */
  end(): void {
    this.#isDropping = true;
    if (this.#joinTimer !== undefined) this.#timers.disarm(this.#joinTimer);
  }

  #adjust(): void {
    if (this.#isDropping) return;
    if (this.#window() > 0 && !this.#withheld.isFull) {
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
    if (!this.#isPaused || this.#window() <= 0 || this.#socket.readableLength === 0) return;
    this.#joinTimer ??= new Timer(this);
    if (!this.#joinTimer.armed) this.#timers.arm(this.#joinTimer, this.#timers.nowMs() + JOIN_INTERVAL_MS);
  }

  /** The join timer's. */
  due(): void {
    if (!this.#isPaused || this.#window() <= 0) return;
    // It comes by the event `data`; reading goes on with one more piece.
    this.#socket.read();
  }
}
