/**
 * Loss detection and recovery. With SACK: RACK and tail loss probes (RFC 8985), what may be sent by PRR
 * (RFC 9937) over the pipe of RFC 6675 §4. Without: NewReno (RFC 6582), where each duplicate
 * acknowledgement stands for a segment that has arrived, so that PRR and limited transmit (RFC 3042) work
 * alike. lwIP's way, which ends with the first new acknowledgement, is `lwip`.
 *
 *     open → recovery → open      losses are noticed by acknowledgements
 *     any → loss → open           the retransmission timer has fired
 *
 * Call order for an acknowledgement: `delivered` for each segment that it acknowledges or sacks, then
 * `acknowledged`.
 */
import type { Congestion } from './congestion/congestion.js';
import type { TcpConnection } from './connection.js';
import { initialWindowBytes } from './mss.js';
import { resend, sendProbeOfNewData } from './output.js';
import type { SentSegment } from './sent-segment.js';
import { seqDiff, seqLess, seqOf, type Seq } from './sequence.js';
import { TcpState } from './state.js';

/** Duplicate acknowledgements that stand for a loss (RFC 5681 §3.2). */
const DUPLICATE_THRESHOLD = 3;
/** Longest delay of an acknowledgement that a probe of a single segment allows for (RFC 8985 §7.2). */
const WORST_DELAYED_ACK_MS = 200;
/** Added to a probe's time and to the reordering window: timers of hosts are not exact (Linux: 2 ms). */
const TIMER_SLACK_MS = 2;
const PROBE_WITHOUT_RTT_MS = 1000;
/** Recoveries for which a larger reordering window holds (RFC 8985 §6.2). */
const REORDERING_PERSISTS = 16;

export class LossRecovery {
  readonly #c: TcpConnection;
  phase: 'open' | 'recovery' | 'loss' = 'open';
  /** SND.NXT when the losses were noticed: its acknowledgement ends the recovery. */
  #highSeq: Seq = seqOf(0);
  duplicates = 0;
  /** Bytes for which duplicate acknowledgements stand, without SACK. */
  presumedArrived = 0;

  // PRR
  #delivered = 0;
  #sentInRecovery = 0;
  #flightAtStart = 0;

  // RACK
  #rackSentAtMs = -1;
  #rackEnd: Seq = seqOf(0);
  #rackRttMs = 0;
  #highestEnd: Seq = seqOf(0);
  #hasReordering = false;
  #reorderSteps = 1;
  #reorderPersists = 0;
  #duplicateSeenAt: Seq | undefined;

  // Tail loss probe
  #probeEnd: Seq | undefined;
  #isProbeResent = false;

  // Use of the congestion window (RFC 7661 §4.1; Linux: tcp_cwnd_validate)
  #isWindowUsed = false;
  #mostFlight = 0;
  #usageEnd: Seq = seqOf(0);

  constructor(connection: TcpConnection) {
    this.#c = connection;
  }

  get #isLwip(): boolean {
    return this.#c.host.profile.recovery === 'lwip';
  }

  get #usesRack(): boolean {
    return this.#c.hasSack && this.#c.host.profile.recovery === 'rack';
  }

  // ---- what may be sent

  /** Returns true if the congestion window admits `bytes` bytes of new data. */
  admits(bytes: number): boolean {
    const c = this.#c;
    if (c.sent.first === undefined) return true;
    const windowBytes = c.congestion?.windowBytes ?? 0;
    // lwIP counts from the oldest byte in flight, and adds to the window instead.
    const used = this.#isLwip ? seqDiff(c.sndNxt, c.sndUna) : c.inFlight();
    return used + bytes <= windowBytes;
  }

  admitsResending(segment: SentSegment): boolean {
    const c = this.#c;
    const windowBytes = c.congestion?.windowBytes ?? 0;
    if (this.#isLwip) return seqDiff(segment.end, c.sndUna) <= Math.max(windowBytes, c.sendMss);
    const used = c.inFlight();
    return used === 0 || used + segment.bytes <= windowBytes;
  }

  sentNew(bytes: number): void {
    if (this.phase === 'recovery') this.#sentInRecovery += bytes;
  }

  /**
   * Notes how much of the congestion window a round of sending has used. The largest flight of a window
   * counts until all of it is acknowledged.
   * @param isLimited true if the congestion window has stopped the sending.
   */
  sentRound(isLimited: boolean): void {
    const c = this.#c;
    const flight = seqDiff(c.sndNxt, c.sndUna);
    const isOver = !seqLess(c.sndUna, this.#usageEnd);
    if (!isOver && !isLimited && (this.#isWindowUsed || flight <= this.#mostFlight)) return;
    this.#isWindowUsed = isLimited;
    this.#mostFlight = flight;
    this.#usageEnd = c.sndNxt;
  }

  sentAgain({ bytes }: SentSegment): void {
    if (this.phase === 'recovery') this.#sentInRecovery += bytes;
  }

  // ---- acknowledgements

  /** Notes that the peer has a segment, acknowledged or sacked (RFC 8985 §6.2, steps 2 and 3). */
  delivered(segment: SentSegment, nowMs: number): void {
    if (!this.#usesRack) return;
    const rttMs = nowMs - segment.sentAtMs;
    const wasResent = segment.transmissions > 1;
    if (!wasResent && seqLess(segment.end, this.#highestEnd) && this.#rackSentAtMs >= 0)
      this.#hasReordering = true;
    if (seqLess(this.#highestEnd, segment.end) || this.#rackSentAtMs < 0) this.#highestEnd = segment.end;
    // The acknowledgement may be of the first copy: then it came too soon for the second.
    if (wasResent && rttMs < this.#c.timers.smallestRttMs) return;
    this.#rackRttMs = rttMs;
    if (!this.#isSentAfter(this.#rackSentAtMs, this.#rackEnd, segment)) return;
    this.#rackSentAtMs = segment.sentAtMs;
    this.#rackEnd = segment.end;
  }

  /** Returns true if `segment` was sent after the one that is described. */
  #isSentAfter(sentAtMs: number, end: Seq, segment: SentSegment): boolean {
    if (segment.sentAtMs !== sentAtMs) return segment.sentAtMs > sentAtMs;
    return seqLess(end, segment.end);
  }

  /**
   * Takes an acknowledgement's part in loss recovery.
   * @param acked bytes that are newly acknowledged.
   * @param delivered bytes of them that were not sacked before, and those that are newly sacked.
   */
  acknowledged(acked: number, delivered: number, isDuplicate: boolean, nowMs: number): void {
    const c = this.#c;
    const { congestion } = c;
    if (congestion === undefined) return;
    if (acked > 0) this.#settleProbe(congestion, nowMs);
    if (this.#isLwip) {
      this.#acknowledgedLwip(congestion, acked, isDuplicate, nowMs);
      return;
    }
    const arrived = c.hasSack ? delivered : this.#presume(acked, delivered, isDuplicate);
    if (this.phase !== 'open' && !seqLess(c.sndUna, this.#highSeq)) this.#end(congestion);
    const lostBefore = c.sent.lostBytes - c.sent.resentBytes;
    this.#detectLosses(acked, nowMs);
    const isSafe = acked > 0 && c.sent.lostBytes - c.sent.resentBytes <= lostBefore;
    if (this.phase === 'open' && c.sent.lostBytes > c.sent.resentBytes) this.#begin(congestion, nowMs);
    if (this.phase === 'recovery') this.#reduce(congestion, arrived, isSafe);
    else if (acked > 0) this.#grow(congestion, arrived, nowMs);
  }

  /** True if nothing hints at a loss: an acknowledgement can only let the window grow. */
  get isCalm(): boolean {
    if (this.phase !== 'open' || this.duplicates > 0 || this.#probeEnd !== undefined) return false;
    return this.#c.sent.isWhole && !this.#isLwip;
  }

  /** Takes an acknowledgement while `isCalm`. */
  grow(acked: number, nowMs: number): void {
    if (this.#c.congestion !== undefined) this.#grow(this.#c.congestion, acked, nowMs);
  }

  /** @param arrived bytes that this acknowledgement is the first to tell of. */
  #grow(congestion: Congestion, arrived: number, nowMs: number): void {
    const { sendMss, timers } = this.#c;
    const { windowBytes, thresholdBytes } = congestion;
    const isSlowStart = windowBytes < thresholdBytes;
    const isLimited = this.#isWindowUsed || (isSlowStart && windowBytes < 2 * this.#mostFlight);
    congestion.acknowledged(arrived, isLimited, sendMss, nowMs, Math.max(0, timers.smoothedRttMs));
  }

  /** Without SACK: each duplicate acknowledgement stands for one segment that has left the network. */
  #presume(acked: number, delivered: number, isDuplicate: boolean): number {
    const c = this.#c;
    if (isDuplicate) {
      const most = Math.max(0, seqDiff(c.sndNxt, c.sndUna) - c.sendMss);
      const before = this.presumedArrived;
      this.duplicates += 1;
      this.presumedArrived = Math.min(before + c.sendMss, most);
      return c.sendMss;
    }
    if (acked === 0) return delivered;
    const already = Math.min(this.presumedArrived, Math.max(0, acked - c.sendMss));
    const left = Math.max(0, seqDiff(c.sndNxt, c.sndUna) - c.sendMss);
    this.presumedArrived = this.phase === 'recovery' ? Math.min(this.presumedArrived - already, left) : 0;
    this.duplicates = 0;
    return Math.max(0, delivered - already);
  }

  #detectLosses(acked: number, nowMs: number): void {
    const { sent, hasSack } = this.#c;
    const { first } = sent;
    if (first === undefined) return;
    if (this.#usesRack) {
      if (sent.sackedBytes > 0 || this.phase !== 'open') this.#detectByTime(nowMs);
    } else if (hasSack) this.#detectBySacks();
    else if (
      this.phase === 'open' ? this.duplicates >= DUPLICATE_THRESHOLD : this.phase === 'recovery' && acked > 0
    ) {
      // A partial acknowledgement shows that the next segment is lost as well (RFC 6582 §3.2).
      if (!first.isLost) sent.markLost(first);
    }
  }

  /** A segment behind which three others were sacked is lost (RFC 6675 §4, IsLost). */
  #detectBySacks(): void {
    const { sent, sendMss } = this.#c;
    let sackedBehind = sent.sackedBytes;
    for (let segment = sent.first; segment !== undefined && sackedBehind > 0; segment = segment.next) {
      if (segment.isSacked) sackedBehind -= segment.bytes;
      else if (!segment.isLost && sackedBehind >= DUPLICATE_THRESHOLD * sendMss) sent.markLost(segment);
    }
  }

  /** RFC 8985 §6.2, step 5: lost is what was sent long enough before something that has arrived. */
  #detectByTime(nowMs: number): void {
    const { sent, timers } = this.#c;
    const windowMs = this.#reorderingMs();
    let latestMs = 0;
    for (let segment = sent.first; segment !== undefined; segment = segment.next) {
      if (segment.isSacked || (segment.isLost && !segment.isResent)) continue;
      if (this.#isSentAfter(this.#rackSentAtMs, this.#rackEnd, segment)) continue;
      if (segment.end === this.#rackEnd) continue;
      const remainingMs = segment.sentAtMs + this.#rackRttMs + windowMs - nowMs;
      if (remainingMs <= 0) sent.markLost(segment);
      else latestMs = Math.max(latestMs, remainingMs);
    }
    timers.reorderAtMs = latestMs > 0 ? nowMs + latestMs + TIMER_SLACK_MS : Number.POSITIVE_INFINITY;
    timers.wakeBy(timers.reorderAtMs);
  }

  /** RFC 8985 §6.2, step 4. */
  #reorderingMs(): number {
    const { sent, timers, sendMss } = this.#c;
    if (!this.#hasReordering) {
      if (this.phase !== 'open' || sent.sackedBytes >= DUPLICATE_THRESHOLD * sendMss) return 0;
    }
    const windowMs = (this.#reorderSteps * timers.smallestRttMs) / 4;
    return Math.min(windowMs, Math.max(0, timers.smoothedRttMs));
  }

  /** The reordering window is over: what has not come is lost. */
  reorderingOver(): void {
    const c = this.#c;
    c.timers.reorderAtMs = Number.POSITIVE_INFINITY;
    if (c.congestion === undefined) return;
    const nowMs = c.nowMs();
    this.#detectByTime(nowMs);
    if (this.phase !== 'open' || c.sent.lostBytes <= c.sent.resentBytes) return;
    this.#begin(c.congestion, nowMs);
    this.#reduce(c.congestion, 0, false);
  }

  /** A duplicate was reported (RFC 2883): something was resent although it had arrived. */
  duplicateReported(start: Seq, end: Seq): void {
    const c = this.#c;
    if (this.#probeEnd === end && this.#isProbeResent) this.#probeEnd = undefined;
    // The reordering window grows once in a round trip (RFC 8985 §6.2, step 4).
    if (this.#duplicateSeenAt !== undefined && seqLess(c.sndUna, this.#duplicateSeenAt)) return;
    this.#duplicateSeenAt = c.sndNxt;
    this.#reorderSteps += 1;
    this.#reorderPersists = REORDERING_PERSISTS;
    if (seqLess(start, end)) this.#hasReordering = true;
  }

  // ---- fast recovery

  #begin(congestion: Congestion, nowMs: number): void {
    const c = this.#c;
    this.phase = 'recovery';
    this.#highSeq = c.sndNxt;
    this.#delivered = this.#sentInRecovery = 0;
    this.#flightAtStart = Math.max(c.sendMss, seqDiff(c.sndNxt, c.sndUna));
    congestion.lost(c.inFlight() + c.sent.lostBytes, c.sendMss, nowMs);
    this.#probeEnd = undefined;
    c.timers.probeAtMs = Number.POSITIVE_INFINITY;
  }

  /**
   * Proportional rate reduction (RFC 9937): sends in proportion to what arrives.
   * @param isSafe true if the acknowledgement was new and showed no further loss.
   */
  #reduce(congestion: Congestion, arrived: number, isSafe: boolean): void {
    const c = this.#c;
    const { thresholdBytes } = congestion;
    const pipe = c.inFlight();
    const isFirst = this.#sentInRecovery === 0;
    this.#delivered += arrived;
    let allowed: number;
    if (pipe > thresholdBytes) {
      const share = Math.ceil((this.#delivered * thresholdBytes) / this.#flightAtStart);
      allowed = share - this.#sentInRecovery;
    } else {
      const limit = Math.max(this.#delivered - this.#sentInRecovery, arrived) + (isSafe ? c.sendMss : 0);
      allowed = Math.min(thresholdBytes - pipe, limit);
    }
    // The fast retransmit itself is sent in any case.
    congestion.windowBytes = pipe + Math.max(allowed, isFirst ? c.sendMss : 0);
  }

  #end(congestion: Congestion): void {
    if (this.phase === 'recovery') congestion.windowBytes = congestion.thresholdBytes;
    this.phase = 'open';
    this.duplicates = this.presumedArrived = 0;
    if (this.#reorderPersists > 0) {
      this.#reorderPersists -= 1;
      if (this.#reorderPersists === 0) this.#reorderSteps = 1;
    }
  }

  // ---- idle connections

  /** The connection was idle: the path is a new one, so that its window is restarted (RFC 5681 §4.1). */
  restartAfterIdle(congestion: Congestion): void {
    const c = this.#c;
    const rtoMs = c.timers.rtoMs();
    const least = initialWindowBytes(c);
    let idleMs = c.nowMs() - c.timers.lastSentAtMs - rtoMs;
    // Linux halves it for each timeout (`tcp_cwnd_restart`).
    for (; idleMs > 0 && congestion.windowBytes > least; idleMs -= rtoMs) {
      congestion.windowBytes = Math.max(least, congestion.windowBytes / 2);
    }
  }

  // ---- the retransmission timer

  /** Everything in flight counts as lost (RFC 5681 §3.1, RFC 8985 §6.3). */
  timedOut(): void {
    const c = this.#c;
    const { sent, congestion } = c;
    if (congestion === undefined) return;
    const isRepeated = this.phase === 'loss' && seqLess(c.sndUna, this.#highSeq);
    if (isRepeated) congestion.windowBytes = c.sendMss;
    else congestion.timedOut(this.#lossFlight(), c.sendMss, c.nowMs());
    this.phase = 'loss';
    this.#highSeq = c.sndNxt;
    this.duplicates = this.presumedArrived = 0;
    this.#probeEnd = undefined;
    c.timers.probeAtMs = c.timers.reorderAtMs = Number.POSITIVE_INFINITY;
    // A peer that no longer has what it sacked has dropped it (RFC 2018 §8).
    if (sent.first?.isSacked === true) sent.forgetSacks();
    for (let segment = sent.first; segment !== undefined; segment = segment.next) sent.markLost(segment);
  }

  #lossFlight(): number {
    const c = this.#c;
    // lwIP halves what it might have sent, not what it has.
    return this.#isLwip
      ? Math.min(c.congestion?.windowBytes ?? 0, c.sndWnd)
      : c.inFlight() + c.sent.lostBytes;
  }

  // ---- lwIP (tcp_in.c: tcp_receive; tcp_out.c: tcp_rexmit_fast)

  #acknowledgedLwip(congestion: Congestion, acked: number, isDuplicate: boolean, nowMs: number): void {
    const c = this.#c;
    const { sent, sendMss } = c;
    if (acked > 0) {
      if (this.phase === 'recovery') {
        this.phase = 'open';
        congestion.windowBytes = congestion.thresholdBytes;
      } else congestion.acknowledged(acked, true, sendMss, nowMs, 0);
      if (this.phase === 'loss' && !seqLess(c.sndUna, this.#highSeq)) this.phase = 'open';
      this.duplicates = 0;
      return;
    }
    if (!isDuplicate || sent.first === undefined) return;
    this.duplicates += 1;
    if (this.duplicates > DUPLICATE_THRESHOLD && this.phase === 'recovery') congestion.windowBytes += sendMss;
    if (this.duplicates !== DUPLICATE_THRESHOLD || this.phase === 'recovery') return;
    congestion.lost(this.#lossFlight(), sendMss, nowMs);
    congestion.windowBytes = congestion.thresholdBytes + DUPLICATE_THRESHOLD * sendMss;
    this.phase = 'recovery';
    this.#highSeq = c.sndNxt;
    sent.markLost(sent.first);
  }

  // ---- tail loss probe (RFC 8985 §7)

  /** Returns the time after which the tail is probed; `undefined`: not at all. */
  probeDelayMs(): number | undefined {
    const c = this.#c;
    const { sent, timers, state } = c;
    if (!this.#usesRack || this.phase !== 'open' || state < TcpState.ESTABLISHED) return undefined;
    if (sent.first === undefined || sent.sackedBytes > 0 || this.#probeEnd !== undefined) return undefined;
    if (timers.smoothedRttMs < 0) return PROBE_WITHOUT_RTT_MS;
    return 2 * timers.smoothedRttMs + (sent.count === 1 ? WORST_DELAYED_ACK_MS : TIMER_SLACK_MS);
  }

  probe(): void {
    const c = this.#c;
    const { last } = c.sent;
    if (last === undefined) return;
    // One probe at a time (§7.3), also while it is sent.
    this.#probeEnd = c.sndNxt;
    this.#isProbeResent = !sendProbeOfNewData(c);
    if (this.#isProbeResent) resend(c, last);
    this.#probeEnd = c.sndNxt;
  }

  /** §7.4.2: a probe that was resent and not reported as a duplicate has repaired a loss. */
  #settleProbe(congestion: Congestion, nowMs: number): void {
    const c = this.#c;
    if (this.#probeEnd === undefined || seqLess(c.sndUna, this.#probeEnd)) return;
    this.#probeEnd = undefined;
    if (!this.#isProbeResent || this.phase !== 'open') return;
    congestion.lost(c.inFlight(), c.sendMss, nowMs);
    congestion.windowBytes = congestion.thresholdBytes;
  }
}
