/**
 * The receiving half: data and FIN of an acceptable segment (RFC 9293 §3.10.7.4, seventh and eighth
 * step), the window (§3.8.6), and when an acknowledgement is due (§3.8.6.3, RFC 5681 §4.2).
 */
import { TcpEvent } from '../raw-api.js';
import type { Segment } from '../wire/tcp-segment.js';
import { TcpFlag } from '../wire/tcp-header.js';
import { enterTimeWait, fail } from './close.js';
import { DEFAULT_SEND_MSS, type TcpConnection } from './connection.js';
import { NO_RANGES, Ranges } from './ranges.js';
import { noteDuplicate, sendEmpty } from './segment-writer.js';
import { seqAdd, seqAtMost, seqDiff, seqLess, seqMax, seqMin, type Seq } from './sequence.js';
import { canReceive, changeState, TcpState } from './state.js';

const MOST_WINDOW = 0xffff;

// ---- the window

/** Returns the bytes by which the window may be open. */
function freeWindow(c: TcpConnection): number {
  const free = Math.max(0, c.receiveWindowBytes - c.receiveRing.length - c.unconsumed);
  // The header can tell no more; a SYN's window is not scaled (RFC 7323 §2.2).
  return Math.min(free, c.state < TcpState.ESTABLISHED ? MOST_WINDOW : MOST_WINDOW << c.receiveScale);
}

/**
 * Returns the window to advertise, and notes its edge. The edge never moves back, and moves forward by a
 * worthwhile step only (§3.8.6.2.2).
 */
export function advertisedWindow(c: TcpConnection): number {
  const edge = seqAdd(c.rcvNxt, freeWindow(c));
  if (isWorthAdvertising(c, seqDiff(edge, c.rcvEdge))) c.rcvEdge = edge;
  return Math.max(0, seqDiff(c.rcvEdge, c.rcvNxt));
}

function isWorthAdvertising(c: TcpConnection, bytes: number): boolean {
  if (bytes <= 0) return false;
  return bytes >= updateBytes(c) || c.state < TcpState.ESTABLISHED;
}

function updateBytes(c: TcpConnection): number {
  const { windowUpdateBytes } = c.host.profile;
  // Small segments that have come say nothing about the peer's largest one.
  const mss = Math.max(c.receiveMss, Math.min(c.sendMss, DEFAULT_SEND_MSS));
  return Math.min(windowUpdateBytes ?? mss, c.receiveWindowBytes / 2);
}

/** The program has consumed data: tells the peer if that is worth a segment. */
export function windowOpened(c: TcpConnection): void {
  if (!canReceive(c.state)) return;
  const opened = seqDiff(seqAdd(c.rcvNxt, freeWindow(c)), c.rcvEdge);
  if (opened < updateBytes(c)) return;
  // A peer that has room anyway learns of the window with the next acknowledgement (as Linux: half of it
  // is used).
  const left = seqDiff(c.rcvEdge, c.rcvNxt);
  if (c.host.profile.windowUpdateBytes === undefined && left * 2 > c.receiveWindowBytes) return;
  c.isAckDue = true;
  c.host.schedule(c);
}

// ---- data

/** Takes the data and the FIN of a segment that overlaps the window. */
export function receiveData(c: TcpConnection, segment: Segment): void {
  const hasFin = (segment.flags & TcpFlag.FIN) !== 0;
  if (segment.dataLength === 0 && !hasFin) return;
  if (!canReceive(c.state)) {
    // A retransmitted FIN: the peer has not got the acknowledgement.
    acknowledgeNow(c);
    return;
  }
  if (segment.dataLength > 0 && c.isOrphan && !c.isDiscarding && isRefused(c, segment)) return;
  if (segment.dataLength > 0) takeData(c, segment);
  if (hasFin) noteFin(c, seqAdd(segment.seq, segment.dataLength));
  if (c.finAt !== undefined && c.finAt === c.rcvNxt) takeFin(c);
}

/**
 * Data comes for a program that has closed: the peer has to learn that it is lost (RFC 1122 §4.2.2.13). lwIP
 * takes it and drops it. Returns true if the connection is gone.
 */
function isRefused(c: TcpConnection, segment: Segment): boolean {
  if (!seqLess(c.rcvNxt, seqAdd(segment.seq, segment.dataLength))) return false;
  c.host.counters.drop('dataAfterClose');
  if (c.host.profile.ticks !== undefined) {
    c.isDiscarding = true;
    return false;
  }
  c.host.counters.resetsSent += 1;
  // As from a host that has no such connection (§3.10.7.1).
  sendEmpty(c, segment.ack, TcpFlag.RST);
  fail(c, 'aborted');
  return true;
}

function takeData(c: TcpConnection, segment: Segment): void {
  const dataEnd = seqAdd(segment.seq, segment.dataLength);
  if (segment.dataLength > c.receiveMss) c.receiveMss = segment.dataLength;
  // The part that has come before, and the part behind the window, are cut off (§3.10.7.4).
  let start = segment.seq;
  if (seqLess(start, c.rcvNxt)) {
    noteDuplicate(c, start, seqMin(dataEnd, c.rcvNxt));
    start = c.rcvNxt;
  }
  const end = seqMin(dataEnd, c.finAt ?? c.rcvEdge);
  const bytes = seqDiff(end, start);
  if (bytes <= 0) {
    acknowledgeNow(c);
    return;
  }
  const from = segment.dataStart + seqDiff(start, segment.seq);
  if (start === c.rcvNxt) takeInOrder(c, segment, from, bytes);
  else takeOutOfOrder(c, segment, start, from, bytes);
}

export function takeInOrder(c: TcpConnection, segment: Segment, from: number, bytes: number): void {
  const wasComplete = c.ranges.count === 0;
  if (!wasComplete) noteOverlap(c, c.rcvNxt, seqAdd(c.rcvNxt, bytes));
  if (c.isDiscarding) {
    c.rcvNxt = seqAdd(c.rcvNxt, bytes);
  } else {
    keepInOrder(c, segment, from, bytes);
    c.rcvNxt = seqAdd(c.rcvNxt, bytes);
    c.signal(TcpEvent.READABLE);
  }
  if (wasComplete) {
    acknowledgeLater(c, bytes, segment.flags);
    return;
  }
  const reached = c.ranges.advance(c.rcvNxt);
  if (!c.isDiscarding) c.receiveRing.extend(seqDiff(reached, c.rcvNxt));
  c.rcvNxt = reached;
  if (c.ranges.count === 0) c.timers.outOfOrderEmpty();
  // A hole is filled: the sender waits for that (RFC 5681 §4.2).
  acknowledgeNow(c);
}

/** Data fills a hole and brings once more what waits behind it (RFC 2883 §4). */
function noteOverlap(c: TcpConnection, start: Seq, end: Seq): void {
  const range = c.ranges.firstBefore(end);
  if (range !== undefined) noteDuplicate(c, seqMax(range.start, start), seqMin(range.end, end));
}

function keepInOrder(c: TcpConnection, segment: Segment, from: number, bytes: number): void {
  const { frame } = segment;
  if (frame !== undefined && c.receiveRing.isEmpty) {
    // The frame is the connection's from now on.
    segment.frame = undefined;
    c.receiveBuffer().lend(frame, c.path.frames, from, bytes);
    c.host.lent(c);
    return;
  }
  store(c, segment, from, bytes, 0);
  c.receiveRing.extend(bytes);
}

function takeOutOfOrder(c: TcpConnection, segment: Segment, start: Seq, from: number, bytes: number): void {
  const { outOfOrderSegments } = c.host.profile;
  const end = seqAdd(start, bytes);
  const isFull = outOfOrderSegments !== undefined && c.ranges.segments >= outOfOrderSegments;
  if (c.ranges.has(start, end)) noteDuplicate(c, start, end);
  else if (isFull || !rangesOf(c).add(start, end)) c.host.counters.drop('outOfOrderFull');
  else {
    c.timers.outOfOrderKept();
    if (!c.isDiscarding) store(c, segment, from, bytes, seqDiff(start, c.rcvNxt));
  }
  acknowledgeNow(c);
}

function rangesOf(c: TcpConnection): Ranges {
  if (c.ranges === NO_RANGES) c.ranges = new Ranges();
  return c.ranges;
}

function store(c: TcpConnection, segment: Segment, from: number, bytes: number, offset: number): void {
  const { frame } = segment;
  if (frame === undefined) return;
  c.receiveBuffer().store(offset, frame.bytes, from, bytes);
}

/** Forgets what has arrived out of order: the sender has to send it again (RFC 2018 §8). */
export function dropOutOfOrder(c: TcpConnection): void {
  c.ranges.clear();
  c.finAt = undefined;
  if (c.receiveRing.length === 0) c.releaseReceived();
}

// ---- FIN

function noteFin(c: TcpConnection, at: Seq): void {
  if (seqLess(at, c.rcvNxt) || seqLess(c.rcvEdge, at) || c.ranges.reachesBehind(at)) return;
  c.finAt ??= at;
  if (at !== c.rcvNxt) acknowledgeNow(c);
}

function takeFin(c: TcpConnection): void {
  c.rcvNxt = seqAdd(c.rcvNxt, 1);
  c.finAt = undefined;
  c.isFinReceived = true;
  const wasAcked = c.state === TcpState.FIN_WAIT_2;
  changeState(c, 'peerFin');
  acknowledgeNow(c);
  c.signal(TcpEvent.END);
  if (wasAcked) enterTimeWait(c);
}

// ---- acknowledgements

export function acknowledgeNow(c: TcpConnection): void {
  c.isAckDue = true;
  c.host.schedule(c);
}

/** Delays the acknowledgement of data in order, at most until the second full segment. */
function acknowledgeLater(c: TcpConnection, bytes: number, flags: number): void {
  const { profile } = c.host;
  c.delayedSegments += 1;
  c.delayedBytes += bytes;
  const isEnough =
    profile.ticks === undefined
      ? c.delayedBytes > (profile.ackEverySegments - 1) * c.receiveMss
      : c.delayedSegments >= profile.ackEverySegments;
  if (isEnough || c.quickAcks > 0 || (flags & TcpFlag.FIN) !== 0) acknowledgeNow(c);
  else c.timers.delayAck();
}

/** Returns true if some part of a segment is in the window (§3.4, table 6). */
export function isAcceptable(c: { rcvNxt: Seq; rcvEdge: Seq }, segment: Segment): boolean {
  const { seq, length } = segment;
  // The edge itself counts: a peer whose last full window was lost acknowledges from there, and two such
  // peers would answer each other without end.
  if (length === 0) return seq === c.rcvNxt || (seqLess(c.rcvNxt, seq) && seqAtMost(seq, c.rcvEdge));
  if (!seqLess(c.rcvNxt, c.rcvEdge)) return false;
  const end = seqAdd(seq, length);
  return seqLess(seq, c.rcvEdge) && seqLess(c.rcvNxt, end);
}
