/**
 * Ranges of sequence numbers that have arrived out of order, sorted and apart from each other. The one that
 * changed last is reported first (RFC 2018 §4).
 */
import { seqAtMost, seqDiff, seqLess, seqMax, seqMin, type Seq } from './sequence.js';

/** Ranges of one connection. A segment that would make one more is dropped, and comes again. */
export const MOST_RANGES = 128;

interface Range {
  start: Seq;
  end: Seq;
  /** Segments of which the range is made. */
  segments: number;
  /** Number of the segment that changed the range last. */
  changed: number;
}

export class Ranges {
  readonly #ranges: Range[] = [];
  #changes = 0;

  get count(): number {
    return this.#ranges.length;
  }

  /** Bytes in all ranges. */
  get bytes(): number {
    let sum = 0;
    for (const { start, end } of this.#ranges) sum += seqDiff(end, start);
    return sum;
  }

  /** Segments in all ranges. */
  get segments(): number {
    let sum = 0;
    for (const { segments } of this.#ranges) sum += segments;
    return sum;
  }

  /** Adds a range. Returns false if the table is full and the range touches none in it. */
  add(start: Seq, end: Seq): boolean {
    const ranges = this.#ranges;
    let index = ranges.length;
    // Data comes mostly behind the last range.
    while (index > 0 && seqAtMost(start, ranges[index - 1]?.end ?? start)) index -= 1;
    let last = index;
    let from = start;
    let to = end;
    let segments = 1;
    for (let range = ranges[last]; range !== undefined && seqAtMost(range.start, end); range = ranges[last]) {
      from = seqMin(from, range.start);
      to = seqMax(to, range.end);
      segments += range.segments;
      last += 1;
    }
    if (last === index && ranges.length >= MOST_RANGES) return false;
    this.#changes += 1;
    ranges.splice(index, last - index, { start: from, end: to, segments, changed: this.#changes });
    return true;
  }

  /** True if all of `start` to `end` has arrived. */
  has(start: Seq, end: Seq): boolean {
    return this.#ranges.some((range) => seqAtMost(range.start, start) && seqAtMost(end, range.end));
  }

  /** Returns true if something behind `seq` has arrived. */
  reachesBehind(seq: Seq): boolean {
    const last = this.#ranges.at(-1);
    return last !== undefined && seqLess(seq, last.end);
  }

  /** Returns the first range if it begins before `end`. */
  firstBefore(end: Seq): { readonly start: Seq; readonly end: Seq } | undefined {
    const first = this.#ranges[0];
    return first !== undefined && seqLess(first.start, end) ? first : undefined;
  }

  /** Removes the ranges that `next` has reached, and returns the end of what is in order now. */
  advance(next: Seq): Seq {
    const ranges = this.#ranges;
    let reached = next;
    let count = 0;
    for (const range of ranges) {
      if (seqLess(reached, range.start)) break;
      reached = seqMax(reached, range.end);
      count += 1;
    }
    if (count > 0) ranges.splice(0, count);
    return reached;
  }

  /** Returns the ranges, the one that changed last first; at most `most`. */
  latest(most: number): readonly { readonly start: Seq; readonly end: Seq }[] {
    return [...this.#ranges].sort((a, b) => b.changed - a.changed).slice(0, most);
  }

  clear(): void {
    this.#ranges.length = 0;
  }
}

/** The ranges of connections in which nothing came out of order; nothing is ever added to them. */
export const NO_RANGES = new Ranges();
