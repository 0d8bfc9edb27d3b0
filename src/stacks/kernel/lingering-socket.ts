/**
 * A socket whose connection is over for the program: all its bytes are acknowledged, our FIN is sent, what
 * arrives is dropped, and the peer's FIN is waited for. Closed earlier, it would answer what the peer still
 * sends with a reset (RFC 1122 §4.2.2.13), and a peer that is reset may lose what it has not read yet. So it
 * also holds the process where bytes were under way at `close`. It waits for as long as lwIP does in
 * FIN_WAIT_2.
 */
import { Timer, type TimerOwner, type TimerWheel } from '../../support/timer-wheel.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS } from '../system/lingering.js';
import type { SocketLoop, StreamOwner } from './socket-loop.js';

export interface LingerContext {
  readonly loop: SocketLoop;
  readonly timers: TimerWheel;
  readonly lingerers: LingerRegistry;
}

export class LingeringSocket implements StreamOwner, TimerOwner, Lingerer {
  readonly #context: LingerContext;
  readonly #slot: number;
  readonly #keepsProcess: boolean;
  readonly #timer = new Timer(this);
  readonly #entry = new LingerEntry(this);

  /** Takes a socket over from its connection. */
  constructor(context: LingerContext, slot: number, keepsProcess: boolean) {
    this.#context = context;
    this.#slot = slot;
    this.#keepsProcess = keepsProcess;
    context.loop.adopt(slot, this);
    if (keepsProcess) context.loop.keepProcess(true);
    context.timers.arm(this.#timer, context.timers.nowMs() + FIN_WAIT_MS);
    context.lingerers.add(this.#entry);
  }

  #letGo(): void {
    const { loop, timers, lingerers } = this.#context;
    lingerers.remove(this.#entry);
    timers.disarm(this.#timer);
    if (this.#keepsProcess) loop.keepProcess(false);
    loop.release(this.#slot);
  }

  #close(): void {
    const { native } = this.#context.loop;
    this.#letGo();
    // Linux frees the descriptor whatever it says.
    native.close(this.#slot);
  }

  cut(): void {
    const { native } = this.#context.loop;
    this.#letGo();
    native.reset(this.#slot);
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

  /** The peer had its time. */
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

  sendBroke(): void {
    // Nothing is sent after the FIN.
  }
}
