/**
 * Decides what a connection sends now: first what was lost, then new data and FIN, then an
 * acknowledgement that nothing has carried (RFC 9293 §3.8.6.2.1, §3.10.2; RFC 1122 §4.2.3.4).
 */
import { TcpEvent } from '../raw-api.js';
import { TcpFlag } from '../wire/tcp-header.js';
import type { TcpConnection } from './connection.js';
import { beginCongestionControl, updateMss } from './mss.js';
import { LossRecovery } from './recovery.js';
import { dataSackBytes, sendSegment, sendSyn } from './segment-writer.js';
import { MOST_SENT_SEGMENTS, type SentSegment } from './sent-segment.js';
import { seqAdd, seqDiff, seqLess, seqMin } from './sequence.js';
import { TcpState } from './state.js';

const { ACK, FIN, PSH, SYN } = TcpFlag;

/**
 * Sends all that may leave now. Called by the program's `push`, and by `Tcp.flush` after each packet and
 * timer.
 */
export function output(c: TcpConnection): void {
  if (c.state === TcpState.CLOSED) return;
  if (c.hasSynToSend) sendFirstSyn(c);
  if (c.state > TcpState.SYN_RECEIVED) {
    // An MTU of which another connection has learned holds for this one as well (RFC 8201 §5.2), and ends
    // in time.
    if (c.path.mtu !== c.mssMtu) updateMss(c);
    if (c.sent.lostBytes > c.sent.resentBytes) resendLost(c);
    sendNew(c);
  }
  if (c.isAckDue && c.state >= TcpState.SYN_RECEIVED) sendSegment(c, c.sndNxt, 0, ACK);
}

function sendFirstSyn(c: TcpConnection): void {
  c.hasSynToSend = false;
  const isAnswer = c.state === TcpState.SYN_RECEIVED;
  sendSyn(c, isAnswer ? SYN | ACK : SYN);
  c.sndNxt = seqAdd(c.iss, 1);
  c.sentList().append(c.iss, c.sndNxt, c.nowMs());
  c.timers.armRetransmit();
}

/** Returns the bytes of the program's data in a full segment at present. */
export function segmentBytes(c: TcpConnection): number {
  return Math.max(1, c.sendMss - dataSackBytes(c));
}

// ---- new data

function sendNew(c: TcpConnection): void {
  if (c.isFinSent) return;
  const mss = segmentBytes(c);
  const formerNxt = c.sndNxt;
  let isLimited = false;
  for (;;) {
    const unsent = c.unsent();
    const isFinDue = c.isFinQueued && !c.isFinSent;
    if ((unsent === 0 && !isFinDue) || c.sent.count >= MOST_SENT_SEGMENTS) break;
    const usable = seqDiff(c.sndUna, c.sndNxt) + c.sndWnd;
    const bytes = Math.min(unsent, mss, Math.max(0, usable));
    const isLast = bytes === unsent;
    // FIN takes a place in the window as well.
    const takesFin = isLast && isFinDue && usable > bytes;
    if (!isWorthSending(c, bytes, mss, isLast, takesFin)) break;
    if (c.sent.first === undefined) restartAfterIdle(c);
    isLimited = !recoveryFor(c, bytes).admits(bytes);
    if (isLimited) break;
    sendData(c, bytes, isLast, takesFin);
  }
  if (c.sndNxt !== formerNxt) c.recovery?.sentRound(isLimited);
  if (c.sent.first === undefined && (c.unsent() > 0 || c.isFinQueued)) c.timers.armPersist();
  if (c.hasWaited && c.unsent() === 0) {
    c.hasWaited = false;
    c.signal(TcpEvent.DRAINED);
  }
}

function restartAfterIdle(c: TcpConnection): void {
  const { profile } = c.host;
  // No timeout is shorter: what follows is seldom needed.
  if (c.nowMs() - c.timers.lastSentAtMs < profile.minRtoMs) return;
  if (c.congestion !== undefined && profile.restartsAfterIdle) c.recovery?.restartAfterIdle(c.congestion);
}

/** Avoids small segments: the sender's half of silly window avoidance (§3.8.6.2.1) and Nagle's algorithm. */
function isWorthSending(
  c: TcpConnection,
  bytes: number,
  mss: number,
  isLast: boolean,
  takesFin: boolean,
): boolean {
  if (takesFin) return true;
  if (bytes === 0) return false;
  if (bytes >= mss) return true;
  if (isLast && c.isFinQueued) return true;
  if (c.isCorked) return false;
  const isAllowed = c.isNoDelay || c.sent.first === undefined || isBufferFull(c);
  if (isLast) return isAllowed;
  return isAllowed && bytes * 2 >= c.mostSndWnd;
}

/** lwIP lets small segments leave when its send buffer is full: the program could not add to them anyway. */
function isBufferFull(c: TcpConnection): boolean {
  return c.host.profile.sendQueueSegments !== undefined && c.sendSpace() === 0;
}

function sendData(c: TcpConnection, bytes: number, isLast: boolean, takesFin: boolean): void {
  const { timers } = c;
  const start = c.sndNxt;
  const end = seqAdd(start, bytes + (takesFin ? 1 : 0));
  c.sndNxt = end;
  if (takesFin) c.isFinSent = true;
  sendSegment(c, start, bytes, ACK | (isLast && bytes > 0 ? PSH : 0) | (takesFin ? FIN : 0));
  c.sentList().append(start, end, c.nowMs());
  recoveryFor(c, bytes).sentNew(seqDiff(end, start));
  timers.lastSentAtMs = c.nowMs();
  timers.dataSent();
}

/** Sends what the window admits although it is little: the override of §3.8.6.2.1. */
export function sendSmall(c: TcpConnection): boolean {
  const usable = seqDiff(c.sndUna, c.sndNxt) + c.sndWnd;
  const bytes = Math.min(c.unsent(), segmentBytes(c), usable);
  if (bytes <= 0) return false;
  sendData(c, bytes, bytes === c.unsent(), false);
  return true;
}

/** Sends new data or FIN beyond the congestion window: a tail loss probe (RFC 8985 §7.3). */
export function sendProbeOfNewData(c: TcpConnection): boolean {
  return !c.isFinSent && sendSmall(c);
}

/**
 * Returns the connection's loss recovery, which begins with what is sent first; congestion control begins
 * with the first data.
 */
function recoveryFor(c: TcpConnection, bytes: number): LossRecovery {
  if (bytes > 0 && c.congestion === undefined) beginCongestionControl(c);
  c.recovery ??= new LossRecovery(c);
  return c.recovery;
}

// ---- data again

function resendLost(c: TcpConnection): void {
  for (let segment = c.sent.first; segment !== undefined; segment = segment.next) {
    if (!segment.isLost || segment.isResent) continue;
    if (c.recovery?.admitsResending(segment) === false) return;
    resend(c, segment);
  }
}

/** Sends a segment again, or its beginning if the path's segments have become smaller. */
export function resend(c: TcpConnection, segment: SentSegment): void {
  const { sent, timers } = c;
  if (segment.start === c.iss && c.state <= TcpState.SYN_RECEIVED) {
    sendSyn(c, c.state === TcpState.SYN_RECEIVED ? SYN | ACK : SYN);
  } else {
    const most = segmentBytes(c);
    const dataEnd = seqAdd(c.sendStart, c.sendRing.length);
    const bytes = seqDiff(seqMin(segment.end, dataEnd), segment.start);
    if (bytes > most) sent.split(segment, seqAdd(segment.start, most));
    const hasFin = seqLess(dataEnd, segment.end);
    const sentBytes = Math.min(bytes, most);
    const isLast = !seqLess(seqAdd(segment.start, sentBytes), dataEnd);
    sendSegment(c, segment.start, sentBytes, ACK | (isLast && sentBytes > 0 ? PSH : 0) | (hasFin ? FIN : 0));
  }
  sent.markResent(segment, c.nowMs());
  c.retransmissions += 1;
  c.host.counters.retransmitted += 1;
  c.recovery?.sentAgain(segment);
  timers.resent();
}
