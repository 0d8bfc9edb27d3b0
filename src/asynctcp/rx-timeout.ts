/**
 * The receive timeout of one connection (contract T2): neither data nor an acknowledgement of our data comes
 * for the timeout's time.
 *
 * Data is noted when it comes. Acknowledgements are looked for at quarters of the timeout while bytes are in
 * flight, because a report of each of them costs more than most messages do. The timeout is at most a quarter
 * late with bytes in flight, and exact without.
 *
 * Call order: `heard`, `lookSoon`, `stop` and `go` at their events; at `nextMs` `look`, then `isOver` and
 * `nextMs` anew.
 */
export class RxTimeout {
  readonly #timeoutMs: number;
  /** Time of the peer's last sign of life. */
  #heardMs: number;
  /** Time of the next look for acknowledgements; infinite while nothing is known to be in flight. */
  #lookMs = Number.POSITIVE_INFINITY;
  /** Bytes that were acknowledged at the last look. */
  #acked: number;
  /** Time since which the timeout stands still; infinite while it runs. */
  #stoppedMs = Number.POSITIVE_INFINITY;

  /** @param acked bytes of the connection that were acknowledged already. */
  constructor(timeoutMs: number, nowMs: number, acked: number) {
    this.#timeoutMs = timeoutMs;
    this.#heardMs = nowMs;
    this.#acked = acked;
  }

  /** Notes a sign of life of the peer. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    if (this.isStopped) this.#stoppedMs = nowMs;
  }

  /** True if acknowledgements are looked for. */
  get looks(): boolean {
    return this.#lookMs < Number.POSITIVE_INFINITY;
  }

  /** Schedules a look for acknowledgements in a quarter of the timeout: bytes are in flight. */
  lookSoon(nowMs: number): void {
    this.#lookMs = nowMs + this.#timeoutMs / 4;
  }

  /**
   * Notes the bytes that are acknowledged and those that are not. More acknowledged bytes than at the last
   * look are a sign of life.
   */
  look(nowMs: number, acked: number, unacknowledged: number): void {
    if (acked > this.#acked) this.heard(nowMs);
    this.#acked = acked;
    if (unacknowledged > 0) this.lookSoon(nowMs);
    else this.#lookMs = Number.POSITIVE_INFINITY;
  }

  get isStopped(): boolean {
    return this.#stoppedMs < Number.POSITIVE_INFINITY;
  }

  /** Stops the time: the peer may not send. */
  stop(nowMs: number): void {
    this.#stoppedMs = nowMs;
  }

  /** Lets the time run again from where it stopped. */
  go(nowMs: number): void {
    this.#heardMs += nowMs - this.#stoppedMs;
    this.#stoppedMs = Number.POSITIVE_INFINITY;
    if (this.looks) this.lookSoon(nowMs);
  }

  /** Returns the time at which `look` is to be called; infinite while the time stands still. */
  nextMs(): number {
    return this.isStopped ? Number.POSITIVE_INFINITY : Math.min(this.#lookMs, this.#deadlineMs());
  }

  /** Returns true if the timeout is over. Call `look` before. */
  isOver(nowMs: number): boolean {
    return !this.isStopped && nowMs >= this.#deadlineMs();
  }

  #deadlineMs(): number {
    return this.#heardMs + this.#timeoutMs;
  }
}
