/**
 * Bounds the time that a connection takes to end once the program has closed it. First the kernel has to
 * take what is left, for as long as it takes anything within the close timeout. Then, from `linger` on, the
 * socket waits for the peer's FIN on its own, dropping what still arrives: if it were closed with data
 * unread, the kernel would send a reset (RFC 1122 §4.2.2.13), which could overtake data that the peer has
 * not read.
 *
 * Call order: `new Closing` → `noteProgress`* → `linger` → `noteProgress`* → `end`; `end` may come at any
 * time.
 */
import { ErrorCode } from '../../port/error-code.js';
import type { Fault, StackLimits } from '../../port/tcp-stack.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS, LOOKS_PER_CLOSE_TIMEOUT } from '../system/lingering.js';
import type { Outbox } from './outbox.js';

export interface ClosingContext {
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  /** Connections that the program has closed and that the stack still finishes. */
  readonly lingerers: LingerRegistry;
}

/** The connection that closes. */
export interface ClosingOwner {
  /** The socket has to be reset, and the fault reported if the end was not. */
  onClosingFailed(fault: Fault): void;
  /** The peer's FIN was waited for long enough: the socket has to be closed. */
  onLingerOver(): void;
}

export class Closing implements Lingerer, TimerOwner {
  readonly #context: ClosingContext;
  readonly #owner: ClosingOwner;
  readonly #outbox: Outbox;
  readonly #entry = new LingerEntry(this);
  readonly #timer = new Timer(this);
  /** Bytes that the kernel had taken in all at the last look. */
  #takenBefore: number;
  /** When lingering ends at the latest; `undefined` before it has begun. */
  #lingersUntilMs: number | undefined;

  constructor(context: ClosingContext, owner: ClosingOwner, outbox: Outbox) {
    this.#context = context;
    this.#owner = owner;
    this.#outbox = outbox;
    this.#takenBefore = outbox.takenInAll();
    this.#armIn(context.limits.closeTimeoutMs / LOOKS_PER_CLOSE_TIMEOUT);
    context.lingerers.add(this.#entry, outbox.outstanding);
  }

  /** Our FIN is sent: the peer's is waited for. */
  linger(): void {
    this.#lingersUntilMs = this.#context.timers.nowMs() + LONGEST_LINGER_MS;
    this.noteProgress();
    this.#armIn(FIN_WAIT_MS);
  }

  /** The kernel has taken bytes, or something was heard of the peer. */
  noteProgress(): void {
    if (this.#entry.isIn) this.#context.lingerers.progressed(this.#entry, this.#outbox.outstanding);
  }

  end(): void {
    this.#context.lingerers.remove(this.#entry);
    this.#context.timers.disarm(this.#timer);
  }

  due(nowMs: number): void {
    if (this.#lingersUntilMs === undefined) this.#lookForTaken(nowMs);
    else this.#lookForLife(nowMs, this.#lingersUntilMs);
  }

  #lookForTaken(nowMs: number): void {
    const { closeTimeoutMs } = this.#context.limits;
    const taken = this.#outbox.takenInAll();
    if (taken > this.#takenBefore) {
      this.noteProgress();
    } else if (nowMs - this.#entry.progressMs >= closeTimeoutMs) {
      const text = `the peer has taken nothing for ${closeTimeoutMs} ms while the connection was being closed`;
      this.#owner.onClosingFailed({ code: ErrorCode.ERR_TIMEOUT, cause: new Error(text) });
      return;
    }
    this.#takenBefore = taken;
    this.#armIn(closeTimeoutMs / LOOKS_PER_CLOSE_TIMEOUT);
  }

  #lookForLife(nowMs: number, untilMs: number): void {
    const silentAtMs = this.#entry.progressMs + FIN_WAIT_MS;
    if (nowMs >= silentAtMs || nowMs >= untilMs) this.#owner.onLingerOver();
    else this.#armIn(Math.min(silentAtMs, untilMs) - nowMs);
  }

  cut(): void {
    const text = 'too many connections are being closed, and this one has gone longest without progress';
    this.#owner.onClosingFailed({ code: ErrorCode.ERR_MEM, cause: new Error(text) });
  }

  #armIn(ms: number): void {
    this.#context.timers.arm(this.#timer, this.#context.timers.nowMs() + ms);
  }
}
