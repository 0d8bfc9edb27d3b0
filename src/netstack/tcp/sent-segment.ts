/**
 * The segments that were sent and are not acknowledged, in the order of their sequence numbers: what loss
 * recovery knows of each of them (RFC 6675 §3, RFC 8985 §5.2). Objects are pooled.
 */
import { assert } from '../../support/assert.js';
import { seqDiff, seqLess, seqOf, type Seq } from './sequence.js';

/** Objects that a pool keeps for later. */
export const MOST_SPARE_SEGMENTS = 4096;

export class SentSegment {
  start: Seq = seqOf(0);
  end: Seq = seqOf(0);
  /** Time of the last transmission. */
  sentAtMs = 0;
  /** Times that the segment was sent, the first included. */
  transmissions = 0;
  /** The peer has it, out of order (RFC 2018). */
  isSacked = false;
  /** It counts as lost, and is to be sent again. */
  isLost = false;
  /** It was sent again since it counted as lost, and that copy is on the way. */
  isResent = false;
  next: SentSegment | undefined;
  previous: SentSegment | undefined;

  get bytes(): number {
    return seqDiff(this.end, this.start);
  }
}

export class SentSegmentPool {
  readonly #spare: SentSegment[] = [];

  take(): SentSegment {
    const segment = this.#spare.pop() ?? new SentSegment();
    segment.transmissions = 0;
    segment.isSacked = segment.isLost = segment.isResent = false;
    return segment;
  }

  give(segment: SentSegment): void {
    segment.next = segment.previous = undefined;
    if (this.#spare.length < MOST_SPARE_SEGMENTS) this.#spare.push(segment);
  }
}

/**
 * Segments that one connection has in flight at most, whatever their size: each acknowledgement with
 * losses walks the whole list.
 */
export const MOST_SENT_SEGMENTS = 4096;

/** The list, and the sums that recovery asks for. */
export class SentList {
  readonly #pool: SentSegmentPool;
  first: SentSegment | undefined;
  last: SentSegment | undefined;
  count = 0;
  /** Bytes of the segments that are sacked, lost, and sent again. */
  sackedBytes = 0;
  lostBytes = 0;
  resentBytes = 0;

  constructor(pool: SentSegmentPool) {
    this.#pool = pool;
  }

  /** True if no segment counts as lost, and none is sacked. */
  get isWhole(): boolean {
    return (this.sackedBytes | this.lostBytes) === 0;
  }

  /** Adds a segment behind the last one, as sent for the first time. */
  append(start: Seq, end: Seq, nowMs: number): SentSegment {
    const segment = this.#pool.take();
    segment.start = start;
    segment.end = end;
    segment.sentAtMs = nowMs;
    segment.transmissions = 1;
    segment.previous = this.last;
    if (this.last === undefined) this.first = segment;
    else this.last.next = segment;
    this.last = segment;
    this.count += 1;
    return segment;
  }

  /** Removes the first segment: all of it is acknowledged. */
  removeFirst(): void {
    const segment = this.first;
    assert(segment !== undefined, 'a segment is removed from a list that has one');
    this.#subtract(segment, segment.bytes);
    this.first = segment.next;
    if (this.first === undefined) this.last = undefined;
    else this.first.previous = undefined;
    this.count -= 1;
    this.#pool.give(segment);
  }

  /** Cuts the acknowledged beginning off a segment. */
  trim(segment: SentSegment, start: Seq): void {
    this.#subtract(segment, seqDiff(start, segment.start));
    segment.start = start;
  }

  /** Splits a segment in two. Returns the second part. */
  split(segment: SentSegment, at: Seq): SentSegment {
    assert(seqLess(segment.start, at) && seqLess(at, segment.end), 'a segment is split inside');
    const rest = this.#pool.take();
    rest.start = at;
    rest.end = segment.end;
    rest.sentAtMs = segment.sentAtMs;
    rest.transmissions = segment.transmissions;
    rest.isSacked = segment.isSacked;
    rest.isLost = segment.isLost;
    rest.isResent = segment.isResent;
    rest.previous = segment;
    rest.next = segment.next;
    if (segment.next === undefined) this.last = rest;
    else segment.next.previous = rest;
    segment.next = rest;
    segment.end = at;
    this.count += 1;
    return rest;
  }

  markSacked(segment: SentSegment): void {
    if (segment.isSacked) return;
    const { bytes } = segment;
    this.sackedBytes += bytes;
    if (segment.isLost) this.lostBytes -= bytes;
    if (segment.isResent) this.resentBytes -= bytes;
    segment.isSacked = true;
    segment.isLost = segment.isResent = false;
  }

  markLost(segment: SentSegment): void {
    if (segment.isSacked) return;
    const { bytes } = segment;
    if (!segment.isLost) this.lostBytes += bytes;
    if (segment.isResent) this.resentBytes -= bytes;
    segment.isLost = true;
    segment.isResent = false;
  }

  /** Notes a further transmission. */
  markResent(segment: SentSegment, nowMs: number): void {
    segment.sentAtMs = nowMs;
    segment.transmissions += 1;
    if (!segment.isLost || segment.isResent) return;
    segment.isResent = true;
    this.resentBytes += segment.bytes;
  }

  /** Forgets what the peer has selectively acknowledged: it may have dropped that (RFC 2018 §8). */
  forgetSacks(): void {
    for (let segment = this.first; segment !== undefined; segment = segment.next) segment.isSacked = false;
    this.sackedBytes = 0;
  }

  clear(): void {
    while (this.first !== undefined) this.removeFirst();
  }

  #subtract(segment: SentSegment, bytes: number): void {
    if (segment.isSacked) this.sackedBytes -= bytes;
    if (segment.isLost) this.lostBytes -= bytes;
    if (segment.isResent) this.resentBytes -= bytes;
  }
}

/** The list of a connection that has nothing in flight. Nothing is put into it. */
export const NOTHING_SENT = new SentList(new SentSegmentPool());
