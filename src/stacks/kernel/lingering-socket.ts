/**
 * A socket whose connection is over for the program: our FIN is sent, what arrives is dropped, and the peer's
 * FIN is waited for. Closed with data unread, the kernel would send a reset (RFC 1122 §4.2.2.13), which could
 * overtake data of ours that the peer has not read.
 */
import { Timer, type TimerOwner, type TimerWheel } from '../../support/timer-wheel.js';
import { FIN_WAIT_MS, MAX_LINGERING } from '../system/lingering.js';
import type { SocketLoop, StreamOwner } from './socket-loop.js';

/** Where lingering sockets are counted. */
export interface LingerContext {
  readonly loop: SocketLoop;
  readonly timers: TimerWheel;
  lingering: number;
}

export class LingeringSocket implements StreamOwner, TimerOwner {
  readonly #context: LingerContext;
  readonly #slot: number;
  readonly #timer = new Timer(this);

  /** Takes a socket over from its connection, or closes it where too many linger. */
  static adopt(context: LingerContext, slot: number): void {
    if (context.lingering < MAX_LINGERING) new LingeringSocket(context, slot);
    else context.loop.native.close(slot);
  }

  private constructor(context: LingerContext, slot: number) {
    this.#context = context;
    this.#slot = slot;
    context.lingering += 1;
    context.loop.adopt(slot, this);
    context.timers.arm(this.#timer, context.timers.nowMs() + FIN_WAIT_MS);
  }

  #close(): void {
    const { loop, timers } = this.#context;
    this.#context.lingering -= 1;
    timers.disarm(this.#timer);
    loop.release(this.#slot);
    loop.native.close(this.#slot);
  }

  socketEnded(): void {
    this.#close();
  }

  socketFailed(): void {
    this.#close();
  }

  socketBroke(): void {
    this.#close();
  }

  due(): void {
    this.#close();
  }

  // ---- what nobody waits for any more; it may have been polled before the connection was over

  socketData(): void {
    // It is dropped.
  }

  socketAcked(): void {
    // All that matters has left.
  }

  socketWritable(): void {
    // All that matters has left.
  }

  socketStarved(): void {
    // Dropping needs no memory.
  }

  socketConnected(): void {
    // It stood long ago.
  }

  sendFellShort(): void {
    // Nothing is sent after the FIN.
  }
}
