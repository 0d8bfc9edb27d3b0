/** Probes on an idle connection (RFC 1122 §4.2.3.6). A peer answers them unless the link is cut. */
import { Timer, type Timers } from '../../support/timers.js';

export interface ProbedConnection {
  /** Returns the time of the peer's last segment. */
  heardAtMs(): number;
  /** Sends a probe. Returns true if it is answered. */
  probe(): boolean;
  /** Ends the connection: no probe was answered. */
  probesFailed(): void;
}

export class KeepAlive {
  readonly #timers: Timers;
  readonly #connection: ProbedConnection;
  readonly #timer = new Timer(this);
  #idleMs = 0;
  #intervalMs = 0;
  #probes = 0;
  #unanswered = 0;

  constructor(timers: Timers, connection: ProbedConnection) {
    this.#timers = timers;
    this.#connection = connection;
  }

  /** Sets the probes; `idleMs` 0 switches them off. */
  set(idleMs: number, intervalMs: number, probes: number): void {
    this.#idleMs = idleMs;
    this.#intervalMs = intervalMs;
    this.#probes = probes;
    if (idleMs > 0) this.#awaitSilence(this.#connection.heardAtMs() + idleMs);
    else this.#timers.disarm(this.#timer);
  }

  /** Called by the timer. */
  due(nowMs: number): void {
    const idleAtMs = this.#connection.heardAtMs() + this.#idleMs;
    if (nowMs < idleAtMs) {
      this.#awaitSilence(idleAtMs);
    } else if (this.#unanswered === this.#probes) {
      this.#connection.probesFailed();
    } else if (!this.#connection.probe()) {
      this.#unanswered += 1;
      this.#timers.arm(this.#timer, nowMs + this.#intervalMs);
    } else if (this.#idleMs > 0) {
      // The answer was no reset, which would have switched it off.
      this.#awaitSilence(nowMs + this.#idleMs);
    }
  }

  #awaitSilence(untilMs: number): void {
    this.#unanswered = 0;
    this.#timers.arm(this.#timer, untilMs);
  }
}
