/**
 * The limit of a host's answers to segments that it refuses: challenge ACKs (RFC 5961 §7). lwIP has none, so
 * that two of its hosts that have lost each other's place answer each other without end. On a link without
 * delay no time would pass any more, and on one that doubles packets the answers would multiply. Here such a
 * host is silent after many answers at one instant or in one second, which no other stack's host asks for.
 */

/** Answers of a host without a limit of its own at one instant. */
export const ANSWERS_AT_ONE_INSTANT = 100;
/** Answers of a host without a limit of its own in one second (as Linux's: tcp_challenge_ack_limit). */
export const ANSWERS_IN_ONE_SECOND = 1000;

export class AnswerLimit {
  readonly #inSecond: number;
  readonly #atInstant: number;
  #second = -1;
  #leftInSecond = 0;
  #instantMs = -1;
  #leftAtInstant = 0;

  /** @param perSecond answers in a second; `Infinity`: the host has no limit of its own. */
  constructor(perSecond: number) {
    const hasOwn = perSecond < Number.POSITIVE_INFINITY;
    this.#inSecond = hasOwn ? perSecond : ANSWERS_IN_ONE_SECOND;
    this.#atInstant = hasOwn ? perSecond : ANSWERS_AT_ONE_INSTANT;
  }

  /** Takes one answer. Returns false if there were too many. */
  take(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#leftInSecond = this.#inSecond;
    }
    if (nowMs !== this.#instantMs) {
      this.#instantMs = nowMs;
      this.#leftAtInstant = this.#atInstant;
    }
    if (this.#leftInSecond <= 0 || this.#leftAtInstant <= 0) return false;
    this.#leftInSecond -= 1;
    this.#leftAtInstant -= 1;
    return true;
  }
}
