/**
 * A socket whose connection is over for the program: all its bytes are acknowledged, our FIN is sent, what
 * arrives is dropped, and the peer's FIN is waited for. Closed earlier, it would answer what the peer still
 * sends with a reset (RFC 1122 §4.2.2.13), and a peer that is reset may lose what it has not read yet. So it
 * also holds the process where anything was sent. It waits for as long as lwIP does in FIN_WAIT_2: until
 * nothing was heard of the peer for that time. A peer that reads is heard of, because it tells its window.
 * One that goes on and on is left after `LONGEST_LINGER_MS`.
 */
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS } from '../system/lingering.js';
import type { SocketLoop, StreamOwner } from './socket-loop.js';

/** Both clocks go by steps of the kernel's: by less, nothing new was heard. */
const CLOCK_STEP_MS = 20;

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
  /** When its time is over, by the program's clock. */
  readonly #lastMs: number;
  /** When the peer was heard of last, by the machine's clock. */
  #heardMs: number;

  /** Takes a socket over from its connection. */
  constructor(context: LingerContext, slot: number, keepsProcess: boolean) {
    this.#context = context;
    this.#slot = slot;
    this.#keepsProcess = keepsProcess;
    this.#heardMs = context.loop.timers.nowMs();
    this.#lastMs = context.timers.nowMs() + LONGEST_LINGER_MS;
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

  due(nowMs: number): void {
    const { loop, timers, lingerers } = this.#context;
    // An answer to a probe is no sign that the peer's program goes on.
    loop.native.keepAlive(this.#slot, 0, 0, 0);
    const agoMs = loop.native.heardAgo(this.#slot);
    const heardMs = loop.timers.nowMs() - agoMs;
    const isSilent = agoMs < 0 || agoMs >= FIN_WAIT_MS || heardMs <= this.#heardMs + CLOCK_STEP_MS;
    if (isSilent || nowMs >= this.#lastMs) {
      this.#close();
      return;
    }
    this.#heardMs = heardMs;
    lingerers.progressed(this.#entry);
    timers.arm(this.#timer, Math.min(this.#lastMs, nowMs + FIN_WAIT_MS - agoMs));
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
