/**
 * The age of the oldest unacknowledged byte of a connection, from samples. A mark says up to which byte the
 * program had sent at a sample; marks that the peer has acknowledged are dropped.
 */

/** Marks of one connection. Past them, bytes that are sent later count to the last mark: they look older. */
export const MOST_MARKS = 64;

interface Mark {
  /** Bytes sent by then. */
  end: number;
  readonly atMs: number;
}

export class UnacknowledgedAge {
  readonly #marks: Mark[] = [];

  /** @param sent, acked bytes since the connection began. */
  sample(sent: number, acked: number, nowMs: number): void {
    const marks = this.#marks;
    let done = 0;
    for (const { end } of marks) {
      if (end > acked) break;
      done += 1;
    }
    if (done > 0) marks.splice(0, done);
    const last = marks.at(-1);
    if (sent <= Math.max(acked, last?.end ?? 0)) return;
    if (last !== undefined && marks.length >= MOST_MARKS) last.end = sent;
    else marks.push({ end: sent, atMs: nowMs });
  }

  /** Returns the age in milliseconds; 0 if nothing is unacknowledged. */
  ms(nowMs: number): number {
    const oldest = this.#marks[0];
    return oldest === undefined ? 0 : nowMs - oldest.atMs;
  }
}
