/**
 * The receive timeout of one connection (contract T2): no data, and no acknowledgement of ours, for so long.
 *
 * Data is heard of when it comes. Acknowledgements are looked for, at quarters of the timeout while bytes are
 * in flight, because hearing of each of them costs more than most messages do: with bytes in flight the
 * timeout comes at most a quarter late, and without any exactly on time.
 *
 * Call order: `heard`, `sent`, `stop` and `go` as it happens; at `nextMs` `look`, and then `nextMs` anew.
 */
export class RxTimeout {
  readonly #timeoutMs: number;
  /** When the peer was last heard of. */
  #heardMs: number;
  /** When acknowledgements are looked for; infinite while nothing is known to be in flight. */
  #lookMs = Number.POSITIVE_INFINITY;
  /** Bytes that were acknowledged at the last look. */
  #acked: number;
  /** Since when the time stands still; infinite while it runs. */
  #stoppedMs = Number.POSITIVE_INFINITY;

  /** @param acked bytes of the connection that were acknowledged already. */
  constructor(timeoutMs: number, nowMs: number, acked: number) {
    this.#timeoutMs = timeoutMs;
    this.#heardMs = nowMs;
    this.#acked = acked;
  }

  /** The peer gave a sign of life. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    if (this.isStopped) this.#stoppedMs = nowMs;
  }

  /** True if acknowledgements are looked for. */
  get looks(): boolean {
    return this.#lookMs < Number.POSITIVE_INFINITY;
  }

  /** Bytes are in flight: acknowledgements are looked for in a quarter of the timeout. */
  lookSoon(nowMs: number): void {
    this.#lookMs = nowMs + this.#timeoutMs / 4;
  }

  /** Looks for acknowledgements: so many bytes are acknowledged, and so many are not. */
  look(nowMs: number, acked: number, unacknowledged: number): void {
    if (acked > this.#acked) this.heard(nowMs);
    this.#acked = acked;
    if (unacknowledged > 0) this.lookSoon(nowMs);
    else this.#lookMs = Number.POSITIVE_INFINITY;
  }

  get isStopped(): boolean {
    return this.#stoppedMs < Number.POSITIVE_INFINITY;
  }

  /** The peer may not send: the time stands still. */
  stop(nowMs: number): void {
    this.#stoppedMs = nowMs;
  }

  /** The time goes on from where it stood. */
  go(nowMs: number): void {
    this.#heardMs += nowMs - this.#stoppedMs;
    this.#stoppedMs = Number.POSITIVE_INFINITY;
    if (this.looks) this.lookSoon(nowMs);
  }

  /** When there is something to do; infinite while the time stands still. */
  nextMs(): number {
    return this.isStopped ? Number.POSITIVE_INFINITY : Math.min(this.#lookMs, this.#deadlineMs());
  }

  /** True if it is over: ask after `look`. */
  isOver(nowMs: number): boolean {
    return !this.isStopped && nowMs >= this.#deadlineMs();
  }

  #deadlineMs(): number {
    return this.#heardMs + this.#timeoutMs;
  }
}
