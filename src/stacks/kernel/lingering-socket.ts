/**
 * A socket whose connection is over for the program: all its bytes are acknowledged, our FIN is sent,
 * arriving data is dropped, and the socket waits for the peer's FIN. If it were closed earlier, it would
 * answer the peer's data with a reset (RFC 1122 §4.2.2.13), and a peer that is reset may lose bytes that it
 * has not read yet. For the same reason the socket keeps the process alive if any byte was sent. The socket
 * waits as long as lwIP does in FIN_WAIT_2: until no segment of the peer has come for `FIN_WAIT_MS`. A peer
 * that reads sends segments, because it updates its window. A peer that never ends is left after
 * `LONGEST_LINGER_MS`.
 */
import type { TimerWheel } from '../../support/timer-wheel.js';
import { Timer, type TimerOwner } from '../../support/timers.js';
import { LingerEntry, type Lingerer, type LingerRegistry } from '../system/linger-registry.js';
import { FIN_WAIT_MS, LONGEST_LINGER_MS } from '../system/lingering.js';
import type { SocketLoop, StreamOwner } from './socket-loop.js';

/** Resolution of the kernel's time of the last segment. */
const CLOCK_STEP_MS = 20;

export interface LingerContext {
  readonly loop: SocketLoop;
  readonly timers: TimerWheel;
  readonly lingerers: LingerRegistry;
}

export class LingeringSocket implements StreamOwner, TimerOwner, Lingerer {
  readonly context: LingerContext;
  readonly #slot: number;
  readonly #keepsProcess: boolean;
  readonly #timer = new Timer(this);
  readonly #entry = new LingerEntry(this);
  /** Time at which lingering ends at the latest, on the program's clock. */
  readonly #untilMs: number;
  /** Time of the peer's last segment, on the machine's clock. */
  #heardMs: number;

  /** Takes the socket of a connection over. */
  constructor(context: LingerContext, slot: number, keepsProcess: boolean) {
    this.context = context;
    this.#slot = slot;
    this.#keepsProcess = keepsProcess;
    this.#heardMs = context.loop.timers.nowMs();
    this.#untilMs = context.timers.nowMs() + LONGEST_LINGER_MS;
    context.loop.adopt(slot, this);
    if (keepsProcess) context.loop.keepProcess(true);
    context.timers.arm(this.#timer, context.timers.nowMs() + FIN_WAIT_MS);
    context.lingerers.add(this.#entry);
  }

  holding(): 'lingering' {
    return 'lingering';
  }

  reset(): void {
    this.evict();
  }

  #letGo(): void {
    const { loop, timers, lingerers } = this.context;
    lingerers.remove(this.#entry);
    timers.disarm(this.#timer);
    if (this.#keepsProcess) loop.keepProcess(false);
    loop.release(this.#slot);
  }

  #close(): void {
    const { native } = this.context.loop;
    this.#letGo();
    // Linux frees the descriptor even if the call fails.
    native.close(this.#slot);
  }

  evict(): void {
    const { native } = this.context.loop;
    this.#letGo();
    native.reset(this.#slot);
  }

  onSocketEnd(): void {
    this.#close();
  }

  onSocketFailed(): void {
    this.#close();
  }

  onSocketBroke(): void {
    this.#close();
  }

  due(nowMs: number): void {
    const { loop, timers, lingerers } = this.context;
    // An answer to a probe is no sign that the peer's program goes on.
    loop.native.keepAlive(this.#slot, 0, 0, 0);
    const agoMs = loop.native.heardAgo(this.#slot);
    const heardMs = loop.timers.nowMs() - agoMs;
    const isSilent = agoMs < 0 || agoMs >= FIN_WAIT_MS || heardMs <= this.#heardMs + CLOCK_STEP_MS;
    if (isSilent || nowMs >= this.#untilMs) {
      this.#close();
      return;
    }
    this.#heardMs = heardMs;
    lingerers.progressed(this.#entry);
    timers.arm(this.#timer, Math.min(this.#untilMs, nowMs + FIN_WAIT_MS - agoMs));
  }
}
