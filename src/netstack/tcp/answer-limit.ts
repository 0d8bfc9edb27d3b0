/**
 * The limit of a host's answers to segments that it refuses: challenge ACKs (RFC 5961 §7). lwIP has none, so
 * that two of its hosts that have lost each other's place answer each other without end; on a link without
 * delay no time would pass any more. Here such a host is silent after many answers at one instant, which no
 * other stack's host asks for.
 */

/** Answers of a host without a limit of its own at one instant. */
export const ANSWERS_AT_ONE_INSTANT = 100;

export class AnswerLimit {
  readonly #perSecond: number;
  /** The second, or the instant, that `#left` is of. */
  #period = -1;
  #left = 0;

  /** @param perSecond answers in a second; `Infinity`: the host has no limit of its own. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one answer. Returns false if there were too many. */
  take(nowMs: number): boolean {
    const hasOwn = this.#perSecond < Number.POSITIVE_INFINITY;
    const period = hasOwn ? Math.floor(nowMs / 1000) : nowMs;
    if (period !== this.#period) {
      this.#period = period;
      this.#left = hasOwn ? this.#perSecond : ANSWERS_AT_ONE_INSTANT;
    }
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }
}
