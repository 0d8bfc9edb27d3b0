/**
 * Watches the bytes in flight of one connection: finds a peer that is gone, and one that does not read.
 *
 * The connection is looked at, eight times within the shorter of the two times, because a report of each
 * acknowledgement costs more than most messages do. A wait for an acknowledgement counts from the look before
 * it began: the watch never finds it too late, and at most an eighth too early.
 *
 * Call order: `look` at `nextMs`, again and again.
 */

/** The bytes that one direction has sent, as a session counts them. */
export interface SentBytes {
  readonly bytesOut: number;
  acknowledged(): number;
  /** Milliseconds since the peer's last segment; `undefined` if the stack cannot know. */
  heardAgoMs(): number | undefined;
}

/** A wait that has become too long. */
export interface Stall {
  /**
   * `ackTimeout`: nothing is acknowledged, and the peer's TCP is silent. `stalledWrite`: nothing is
   * acknowledged, although the peer's TCP may answer.
   */
  readonly reason: 'ackTimeout' | 'stalledWrite';
  readonly waitedMs: number;
  /** Bytes in flight. */
  readonly bytes: number;
}

/** Looks within the shorter of the two times. */
const LOOKS = 8;
/**
 * Share of a wait for which a peer's TCP must be silent to count as gone. The TCP of a peer that does not
 * read answers our probes, whose interval doubles each time (RFC 9293 §3.8.6.1): it is silent for half of the
 * wait, and for up to six sevenths if one answer is lost, or withheld as Linux does with answers that follow
 * each other within 500 ms (`tcp_invalid_ratelimit`).
 */
const SILENT_SHARE = 7 / 8;

export class LinkWatch {
  readonly #ackTimeoutMs: number;
  readonly #stalledWriteMs: number;
  readonly #intervalMs: number;
  #lookedMs: number;
  #sent = 0;
  #acked = 0;
  /** Time since which nothing was acknowledged, at the earliest. */
  #sinceMs: number;

  /** @param ackTimeoutMs, stalledWriteMs 0: off. */
  constructor(ackTimeoutMs: number, stalledWriteMs: number, nowMs: number) {
    this.#ackTimeoutMs = ackTimeoutMs > 0 ? ackTimeoutMs : Number.POSITIVE_INFINITY;
    this.#stalledWriteMs = stalledWriteMs > 0 ? stalledWriteMs : Number.POSITIVE_INFINITY;
    this.#intervalMs = Math.max(1, Math.min(this.#ackTimeoutMs, this.#stalledWriteMs) / LOOKS);
    this.#lookedMs = nowMs;
    this.#sinceMs = nowMs;
  }

  /** Returns the time of the next look; infinite if both times are off. */
  nextMs(): number {
    const deadlines = [this.#sinceMs + this.#ackTimeoutMs, this.#sinceMs + this.#stalledWriteMs];
    const isWaiting = this.#sent > this.#acked;
    const due = isWaiting ? deadlines.filter((atMs) => atMs > this.#lookedMs) : [];
    return Math.min(this.#lookedMs + this.#intervalMs, ...due);
  }

  /** Returns the wait that has become too long, if there is one. */
  look(nowMs: number, flow: SentBytes): Stall | undefined {
    const lookedMs = this.#lookedMs;
    this.#lookedMs = nowMs;
    const sent = flow.bytesOut;
    const wasIdle = this.#sent === this.#acked;
    // An idle connection is not asked: that would be a call of the system.
    if (wasIdle && sent === this.#sent) return undefined;
    const acked = flow.acknowledged();
    // A look is late when the program has blocked the thread: it proves no more than one in time.
    if (wasIdle || acked > this.#acked) this.#sinceMs = Math.max(lookedMs, nowMs - this.#intervalMs);
    this.#sent = sent;
    this.#acked = acked;
    const waitedMs = nowMs - this.#sinceMs;
    const bytes = sent - acked;
    if (bytes <= 0) return undefined;
    if (waitedMs >= this.#ackTimeoutMs && isSilent(flow.heardAgoMs(), waitedMs)) {
      return { reason: 'ackTimeout', waitedMs, bytes };
    }
    return waitedMs >= this.#stalledWriteMs ? { reason: 'stalledWrite', waitedMs, bytes } : undefined;
  }
}

/** A stack that cannot know when the peer was heard does not show that it is silent. */
function isSilent(heardAgoMs: number | undefined, waitedMs: number): boolean {
  return heardAgoMs !== undefined && heardAgoMs >= SILENT_SHARE * waitedMs;
}
