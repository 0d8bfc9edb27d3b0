/**
 * The time from `close` until the peer has acknowledged everything. The time lasts as long as the peer makes
 * progress, however slowly it reads. The connection is reset if there is no progress for the close timeout,
 * or if too many connections close at once.
 */
import { ErrorCode } from '../../port/error-code.js';
import type { Fault, StackLimits } from '../../port/tcp-stack.js';
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from './linger-registry.js';
import { LOOKS_PER_CLOSE_TIMEOUT } from './lingering.js';

export interface ClosingContext {
  readonly limits: StackLimits;
  readonly timers: TimerWheel;
  readonly lingerers: LingerRegistry;
}

/** The connection that closes. */
export interface ClosingOwner {
  /** Asks the system for progress; calls `progressed` if there is any. */
  lookForProgress(): void;
  /** The closing has failed: the owner resets the socket and reports the fault. */
  onClosingFailed(fault: Fault): void;
}

export class Closing implements Lingerer, TimerOwner {
  readonly #context: ClosingContext;
  readonly #owner: ClosingOwner;
  readonly #entry = new LingerEntry(this);
  readonly #timer = new Timer(this);

  /** @param bytes bytes that are not acknowledged. */
  constructor(context: ClosingContext, owner: ClosingOwner, bytes: number) {
    this.#context = context;
    this.#owner = owner;
    context.lingerers.add(this.#entry, bytes);
    this.#arm(this.#entry.progressMs);
  }

  /** Notes progress, after which `bytes` are left. */
  progressed(bytes: number): void {
    if (this.#entry.isIn) this.#context.lingerers.progressed(this.#entry, bytes);
  }

  end(): void {
    this.#context.lingerers.remove(this.#entry);
    this.#context.timers.disarm(this.#timer);
  }

  due(nowMs: number): void {
    const { closeTimeoutMs } = this.#context.limits;
    this.#owner.lookForProgress();
    if (!this.#entry.isIn) return;
    if (nowMs < this.#entry.progressMs + closeTimeoutMs) {
      this.#arm(nowMs);
      return;
    }
    const cause = new Error(`there was no progress for ${closeTimeoutMs} ms after close()`);
    this.#owner.onClosingFailed({ code: ErrorCode.ERR_TIMEOUT, cause });
  }

  evict(): void {
    const cause = new Error('too many closed connections wait for their peers');
    this.#owner.onClosingFailed({ code: ErrorCode.ERR_MEM, cause });
  }

  #arm(nowMs: number): void {
    const { closeTimeoutMs } = this.#context.limits;
    const lookMs = nowMs + closeTimeoutMs / LOOKS_PER_CLOSE_TIMEOUT;
    const endMs = this.#entry.progressMs + closeTimeoutMs;
    this.#context.timers.arm(this.#timer, Math.min(lookMs, endMs));
  }
}
