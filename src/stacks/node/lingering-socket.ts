/**
 * A connection whose end is reported, and whose socket waits for the peer's FIN on its own, dropping what
 * still arrives: if it were closed with data unread, the kernel would send a reset (RFC 1122 §4.2.2.13),
 * which could overtake data that the peer has not read.
 *
 * Call order: `new LingeringSocket` → `noteLife`* → `end`, which may come at any time.
 */
import { ErrorCode } from '../../port/error-code.js';
import type { Fault } from '../../port/tcp-stack.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS } from '../system/lingering.js';

export interface LingerContext {
  readonly timers: TimerWheel;
  /** Connections that the program has closed and that the stack still finishes. */
  readonly lingerers: LingerRegistry;
}

export interface LingerOwner {
  /** The peer's FIN was waited for long enough: the socket has to be closed. */
  onLingerOver(): void;
  /** Too many connections linger: the socket has to be reset. */
  onClosingFailed(fault: Fault): void;
}

export class LingeringSocket implements Lingerer, TimerOwner {
  readonly #context: LingerContext;
  readonly #owner: LingerOwner;
  readonly #entry = new LingerEntry(this);
  readonly #timer = new Timer(this);
  /** Time at which lingering ends at the latest. */
  readonly #untilMs: number;

  constructor(context: LingerContext, owner: LingerOwner) {
    this.#context = context;
    this.#owner = owner;
    const nowMs = context.timers.nowMs();
    this.#untilMs = nowMs + LONGEST_LINGER_MS;
    context.timers.arm(this.#timer, nowMs + FIN_WAIT_MS);
    context.lingerers.add(this.#entry);
  }

  /** Data of the peer arrived. */
  noteLife(): void {
    if (this.#entry.isIn) this.#context.lingerers.progressed(this.#entry);
  }

  end(): void {
    this.#context.lingerers.remove(this.#entry);
    this.#context.timers.disarm(this.#timer);
  }

  due(nowMs: number): void {
    const silentAtMs = this.#entry.progressMs + FIN_WAIT_MS;
    if (nowMs >= silentAtMs || nowMs >= this.#untilMs) this.#owner.onLingerOver();
    else this.#context.timers.arm(this.#timer, Math.min(silentAtMs, this.#untilMs));
  }

  evict(): void {
    const cause = new Error('too many closed connections wait for their peers');
    this.#owner.onClosingFailed({ code: ErrorCode.ERR_MEM, cause });
  }
}
