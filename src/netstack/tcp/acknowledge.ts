/**
 * The acknowledgement of a segment: what the peer has (RFC 9293 §3.10.7.4, fifth step), its window, its
 * SACK blocks (RFC 2018), and the round-trip time (RFC 6298, RFC 7323 §4).
 */
import { TcpEvent } from '../raw-api.js';
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { finAcked } from './close.js';
import type { TcpConnection } from './connection.js';
import { acknowledgeNow } from './receive.js';
import { addSample } from './rtt.js';
import { timestamp } from './segment-writer.js';
import type { SentSegment } from './sent-segment.js';
import { seqAdd, seqAtMost, seqDiff, seqLess, type Seq } from './sequence.js';
import { TcpState } from './state.js';

/** Takes the acknowledgement. Returns false if the segment is to be dropped. */
export function acknowledge(c: TcpConnection, segment: Segment): boolean {
  const { ack } = segment;
  const acked = seqDiff(ack, c.sndUna);
  if (seqLess(c.sndNxt, ack) && !takeProbe(c, ack)) {
    // It acknowledges what was never sent.
    c.host.counters.drop('ackOfUnsent');
    if (c.host.mayChallenge()) acknowledgeNow(c);
    return false;
  }
  if (acked < 0) {
    if (!isOldAckHarmless(c, acked)) return false;
    takeOldBlocks(c, segment);
    return true;
  }
  const formerWindow = c.sndWnd;
  updateSendWindow(c, segment);
  const isDuplicate = acked === 0 && isDuplicateAck(c, segment, formerWindow);
  if (acked === 0 && segment.sackBlocks === 0 && !isDuplicate) {
    c.timers.answered();
    if (c.unsent() > 0 || c.isFinQueued) c.host.schedule(c);
    return true;
  }
  const nowMs = c.nowMs();
  const sackedBefore = c.sent.sackedBytes;
  const fresh = acked > 0 ? takeAcked(c, segment, acked, nowMs) : 0;
  if (c.hasSack && segment.sackBlocks > 0) takeBlocks(c, segment, nowMs);
  const newlySacked = Math.max(0, c.sent.sackedBytes - sackedBefore + (acked - fresh));
  c.recovery?.acknowledged(acked, fresh + newlySacked, isDuplicate, nowMs);
  if (acked > 0) c.timers.progressed();
  c.host.schedule(c);
  if (acked > 0) noteFinAcked(c);
  return true;
}

/**
 * lwIP probes a closed window with the next byte, or with FIN: a peer that has room takes it. Returns true if
 * that is what is acknowledged.
 */
function takeProbe(c: TcpConnection, ack: Seq): boolean {
  if (!c.timers.isProbed || ack !== seqAdd(c.sndNxt, 1)) return false;
  c.timers.isProbed = false;
  c.isFinSent = c.unsent() === 0;
  // It may have been any of several probes: that is no sample of the round trip (Karn's rule).
  c.sentList().append(c.sndNxt, ack, c.nowMs()).transmissions = 2;
  c.sndNxt = ack;
  return true;
}

/** A very old acknowledgement is a blind guess (RFC 5961 §5.2); another one is only late. */
function isOldAckHarmless(c: TcpConnection, acked: number): boolean {
  if (-acked <= c.mostSndWnd) return true;
  c.host.counters.drop('ackTooOld');
  if (c.host.mayChallenge()) acknowledgeNow(c);
  return false;
}

/** An acknowledgement that was overtaken may still tell what has arrived. */
function takeOldBlocks(c: TcpConnection, segment: Segment): void {
  if (!c.hasSack || segment.sackBlocks === 0) return;
  const nowMs = c.nowMs();
  const before = c.sent.sackedBytes;
  takeBlocks(c, segment, nowMs);
  const newlySacked = c.sent.sackedBytes - before;
  if (newlySacked === 0) return;
  c.recovery?.acknowledged(0, newlySacked, false, nowMs);
  c.host.schedule(c);
}

/** RFC 5681 §2. */
function isDuplicateAck(c: TcpConnection, segment: Segment, formerWindow: number): boolean {
  if (c.sent.first === undefined || segment.dataLength > 0 || (segment.flags & TcpFlag.FIN) !== 0)
    return false;
  return c.sndWnd === formerWindow;
}

export function updateSendWindow(c: TcpConnection, segment: Segment): void {
  const { seq, ack } = segment;
  if (!(seqLess(c.sndWl1, seq) || (c.sndWl1 === seq && seqAtMost(c.sndWl2, ack)))) return;
  const isSyn = (segment.flags & TcpFlag.SYN) !== 0;
  c.sndWnd = isSyn ? segment.window : segment.window << c.sendScale;
  c.sndWl1 = seq;
  c.sndWl2 = ack;
  if (c.sndWnd > c.mostSndWnd) c.mostSndWnd = c.sndWnd;
  if (c.sndWnd > seqDiff(c.sndNxt, c.sndUna)) c.timers.persistOver();
}

/** Removes what is acknowledged. Returns the bytes of it that were not sacked before. */
export function takeAcked(c: TcpConnection, segment: Segment, acked: number, nowMs: number): number {
  const { sent } = c;
  const { ack } = segment;
  let sampleMs = -1;
  let wasResent = false;
  let sacked = 0;
  for (let first = sent.first; first !== undefined && seqLess(first.start, ack); first = sent.first) {
    if (seqLess(ack, first.end)) {
      if (first.isSacked) sacked += seqDiff(ack, first.start);
      sent.trim(first, ack);
      break;
    }
    if (first.isSacked) sacked += first.bytes;
    else c.recovery?.delivered(first, nowMs);
    if (first.transmissions > 1) wasResent = true;
    else if (sampleMs < 0 && !first.isSacked) sampleMs = nowMs - first.sentAtMs;
    sent.removeFirst();
  }
  if (sent.first === undefined) c.releaseSent();
  sampleRoundTrip(c, segment, wasResent ? -1 : sampleMs, nowMs);
  c.sndUna = ack;
  const bytes = Math.min(c.sendRing.length, seqDiff(ack, c.sendStart));
  if (bytes > 0) {
    c.dropSent(bytes);
    c.sendStart = seqAdd(c.sendStart, bytes);
    c.acked += bytes;
    c.signal(TcpEvent.ACKED);
  }
  return acked - sacked;
}

function sampleRoundTrip(c: TcpConnection, segment: Segment, sampleMs: number, nowMs: number): void {
  let ms = sampleMs;
  // A timestamp tells which copy was acknowledged (RFC 7323 §4.1).
  if (ms < 0 && c.hasTimestamps && segment.hasTimestamp && segment.timestampEcho !== 0) {
    ms = (timestamp(c) - segment.timestampEcho) | 0;
  }
  if (ms < 0) return;
  addSample(c.timers, ms, nowMs);
  c.timers.backoffs = 0;
}

function noteFinAcked(c: TcpConnection): void {
  if (!c.isFinSent || c.sndUna !== c.sndNxt) return;
  const { state } = c;
  if (state === TcpState.FIN_WAIT_1 || state === TcpState.CLOSING || state === TcpState.LAST_ACK) finAcked(c);
}

// ---- SACK

function takeBlocks(c: TcpConnection, segment: Segment, nowMs: number): void {
  for (let block = 0; block < segment.sackBlocks; block += 1) {
    const start = segment.sackStart[block];
    const end = segment.sackEnd[block];
    if (start === undefined || end === undefined || !seqLess(start, end)) continue;
    if (block === 0 && isDuplicateBlock(segment, start, end)) {
      c.recovery?.duplicateReported(start, end);
      continue;
    }
    // A block outside of what is in flight is old, or made up.
    if (seqLess(start, c.sndUna) || seqLess(c.sndNxt, end)) continue;
    takeBlock(c, start, end, nowMs);
  }
}

/** The first block tells of a duplicate if it is acknowledged, or lies inside the second (RFC 2883 §4). */
function isDuplicateBlock(segment: Segment, start: Seq, end: Seq): boolean {
  if (seqAtMost(end, segment.ack)) return true;
  const otherStart = segment.sackStart[1];
  const otherEnd = segment.sackEnd[1];
  if (segment.sackBlocks < 2 || otherStart === undefined || otherEnd === undefined) return false;
  return seqAtMost(otherStart, start) && seqAtMost(end, otherEnd);
}

function takeBlock(c: TcpConnection, start: Seq, end: Seq, nowMs: number): void {
  const { sent } = c;
  let segment: SentSegment | undefined = sent.first;
  for (; segment !== undefined && seqLess(segment.start, end); segment = segment.next) {
    // A part of a segment does not count: it has to come again as a whole (RFC 8985 §6.2, step 2).
    if (seqLess(segment.start, start) || seqLess(end, segment.end) || segment.isSacked) continue;
    c.recovery?.delivered(segment, nowMs);
    sent.markSacked(segment);
  }
}
