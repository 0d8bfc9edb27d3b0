/**
 * The invariants of a connection, which hold whenever no call of it is on the way and `Tcp.flush` has run:
 * what RFC 9293 demands, and that the connection's own sums and timers agree with what it holds. Tests and
 * simulations check them after each step; the data path does not.
 */
import { assert } from '../../support/assert.js';
import type { TcpConnection } from './connection.js';
import { MOST_RANGES } from './ranges.js';
import { NOTHING_RECEIVED } from './receive-buffer.js';
import { NO_RING } from './ring.js';
import { NOTHING_SENT } from './sent-segment.js';
import { seqAdd, seqAtMost, seqDiff, seqLess, type Seq } from './sequence.js';
import { canReceive, isSynchronized, TcpState, TRANSITIONS } from './state.js';

const NEVER = Number.POSITIVE_INFINITY;

/** Checks a connection as it is. @throws an assertion failure that names the invariant. */
export function checkInvariants(c: TcpConnection): void {
  checkIdle(c);
  if (c.state === TcpState.CLOSED) {
    checkClosed(c);
    return;
  }
  checkSent(c);
  checkSendBuffer(c);
  checkReceived(c);
  checkOutOfOrder(c);
  checkTimers(c);
  checkSettled(c);
}

// ---- the end

function checkClosed(c: TcpConnection): void {
  assert(!c.timer.armed, 'a closed connection has no timer');
  assert(c.sent.count === 0 && c.sent.first === undefined, 'a closed connection has nothing in flight');
  assert(c.sendRing.length === 0, 'a closed connection has nothing to send');
  assert(c.ranges.count === 0, 'a closed connection keeps nothing out of order');
}

// ---- what an idle connection does not have

/** An idle connection has neither lists nor buffers, and nothing was put into what stands for them. */
function checkIdle({ sent, sendRing, receiveRing }: TcpConnection): void {
  assert(sent.count > 0 || sent === NOTHING_SENT, 'a list without segments is given back');
  assert(sendRing.length > 0 || sendRing === NO_RING, 'an empty send buffer is given back');
  assert(!receiveRing.isUnused || receiveRing === NOTHING_RECEIVED, 'an empty receive buffer is given back');
  assert(NOTHING_SENT.first === undefined && NOTHING_SENT.count === 0, 'nothing is what was sent');
  assert(NO_RING.length === 0 && NO_RING.capacity === 0, 'no ring holds nothing');
  assert(NOTHING_RECEIVED.isUnused, 'nothing is what was received');
}

// ---- what is in flight

function checkSent(c: TcpConnection): void {
  const { sent, sndUna, sndNxt } = c;
  assert(seqAtMost(sndUna, sndNxt), 'SND.UNA is not behind SND.NXT');
  // Later ISS says nothing: after 2 GiB it seems to lie ahead.
  if (!isSynchronized(c.state)) assert(sndUna === c.iss, 'SND.UNA is ISS up to the end of the handshake');
  let count = 0;
  let sackedBytes = 0;
  let lostBytes = 0;
  let resentBytes = 0;
  let reached = sndUna;
  let previous = sent.first?.previous;
  assert(previous === undefined, 'nothing is before the first segment in flight');
  for (let segment = sent.first; segment !== undefined; segment = segment.next) {
    assert(segment.previous === previous, 'the list of segments in flight is linked both ways');
    assert(segment.start === reached, 'the segments in flight leave no gap and do not overlap');
    assert(segment.bytes > 0, 'a segment in flight is not empty');
    assert(segment.transmissions > 0, 'a segment in flight was sent');
    assert(!(segment.isSacked && segment.isLost), 'what has arrived is not lost');
    assert(!segment.isResent || segment.isLost, 'only what was lost is sent again');
    if (segment.isSacked) sackedBytes += segment.bytes;
    if (segment.isLost) lostBytes += segment.bytes;
    if (segment.isResent) resentBytes += segment.bytes;
    count += 1;
    reached = segment.end;
    previous = segment;
  }
  assert(sent.last === previous, 'the last segment in flight is the last of the list');
  assert(reached === sndNxt, 'the segments in flight reach from SND.UNA to SND.NXT');
  assert(sent.count === count, 'the segments in flight are counted');
  assert(sent.sackedBytes === sackedBytes, 'the bytes that were sacked are summed');
  assert(sent.lostBytes === lostBytes, 'the bytes that were lost are summed');
  assert(sent.resentBytes === resentBytes, 'the bytes that were sent again are summed');
  const presumedArrived = c.recovery?.presumedArrived ?? 0;
  assert(presumedArrived >= 0, 'the bytes that duplicate acknowledgements stand for are no debt');
  assert(presumedArrived <= seqDiff(sndNxt, sndUna), 'no more than what is in flight has arrived');
}

/** The ring holds what is not acknowledged, and FIN comes behind it. */
function checkSendBuffer(c: TcpConnection): void {
  const { sendRing, sendStart, sndUna, sndNxt } = c;
  assert(sendRing.length <= c.sendBufferBytes, 'the send buffer holds no more than its size');
  const finBytes = c.isFinSent ? 1 : 0;
  const dataEnd = seqAdd(sendStart, sendRing.length);
  assert(seqAtMost(sndNxt, seqAdd(dataEnd, finBytes)), 'only what was written is in flight');
  assert(!c.isFinSent || sndNxt === seqAdd(dataEnd, 1), 'FIN is the last thing in flight');
  const isSynAcked = isSynchronized(c.state);
  const isAllAcked = c.isFinSent && sndUna === sndNxt;
  if (isSynAcked && !isAllAcked) assert(sendStart === sndUna, 'the send buffer begins at SND.UNA');
  if (!isSynAcked) assert(sendStart === seqAdd(c.iss, 1), 'the send buffer begins behind the SYN');
  assert(!c.isFinSent || c.isFinQueued, 'FIN was asked for');
}

// ---- what has come

function checkReceived(c: TcpConnection): void {
  if (c.state === TcpState.SYN_SENT) return;
  const { receiveRing, unconsumed, rcvNxt, rcvEdge, receiveWindowBytes } = c;
  const finBytes = c.isFinReceived ? 1 : 0;
  const open = seqDiff(rcvEdge, rcvNxt);
  assert(open >= -finBytes, 'RCV.NXT is not behind the window');
  assert(unconsumed >= 0, 'no more is consumed than was read');
  const held = receiveRing.length + unconsumed;
  assert(held + open <= receiveWindowBytes, 'the window and the unread bytes fit into the buffer');
  assert(!c.isDiscarding || held === 0, 'a connection that discards data holds none');
  assert(receiveRing.capacity >= receiveRing.length, 'the memory of a ring holds its bytes');
  assert(seqAtMost(c.lastAckSent, rcvNxt), 'no more is acknowledged than has come');
  assert(c.isFinReceived === hasPeerFin(c.state), 'the state tells of the FIN of the peer');
}

function hasPeerFin(state: TcpState): boolean {
  return isSynchronized(state) && !canReceive(state);
}

function checkOutOfOrder(c: TcpConnection): void {
  const { ranges, rcvNxt, rcvEdge, finAt } = c;
  const { outOfOrderSegments } = c.host.profile;
  assert(ranges.count <= MOST_RANGES, 'the table of ranges is bounded');
  if (outOfOrderSegments !== undefined)
    assert(c.ranges.segments <= outOfOrderSegments, 'the segments out of order are bounded');
  let before: Seq = rcvNxt;
  const sorted = [...ranges.latest(MOST_RANGES)].sort((a, b) => seqDiff(a.start, b.start));
  for (const { start, end } of sorted) {
    assert(seqLess(before, start), 'ranges are sorted, apart from each other and from RCV.NXT');
    assert(seqLess(start, end), 'a range is not empty');
    before = end;
  }
  assert(ranges.count === 0 || seqAtMost(before, rcvEdge), 'ranges are in the window');
  if (finAt === undefined) return;
  assert(seqLess(rcvNxt, finAt), 'a FIN that waits is ahead');
  assert(seqAtMost(before, finAt), 'nothing comes behind FIN');
  assert(seqAtMost(finAt, rcvEdge), 'a FIN that waits is in the window');
}

// ---- timers

function checkTimers(c: TcpConnection): void {
  const { timers, timer, state } = c;
  const isFlightTimed = timers.retransmitAtMs < NEVER;
  if (c.sent.first !== undefined)
    assert(isFlightTimed, 'a retransmission is scheduled while something is in flight');
  // Bytes that were written and not pushed wait for their program.
  const waits = (c.unsent() > 0 && c.hasWaited) || (c.isFinQueued && !c.isFinSent);
  if (waits && c.sent.first === undefined && state >= TcpState.ESTABLISHED)
    assert(timers.persistAtMs < NEVER, 'the window is probed while data waits and nothing is in flight');
  if (c.delayedSegments > 0) assert(timers.delayedAckAtMs < NEVER, 'a delayed acknowledgement has a time');
  if (timers.earliestMs < NEVER)
    assert(timer.armed && timer.atMs <= timers.earliestMs, 'the timer is armed for the earliest time');
}

/** After `flush` nothing that is due is left. */
function checkSettled(c: TcpConnection): void {
  assert(!c.isScheduled, 'a connection is scheduled until the next flush alone');
  assert(!c.isAckDue || c.state === TcpState.SYN_SENT, 'what is due is sent');
  assert(!c.hasSynToSend, 'a SYN is sent');
  if (c.events !== 0 && c.listener === undefined) assert(c.isReady, 'a connection with events is ready');
  if (c.congestion === undefined) return;
  assert(c.congestion.windowBytes >= 0, 'the congestion window is no debt');
  assert(Number.isFinite(c.congestion.windowBytes), 'the congestion window has an end');
  assert(c.congestion.thresholdBytes >= 2 * Math.min(c.sendMss, 1), 'slow start has a threshold');
}

// ---- from step to step

interface Past {
  readonly state: TcpState;
  readonly sndUna: Seq;
  readonly rcvNxt: Seq;
  readonly rcvEdge: Seq;
  readonly isFinReceived: boolean;
}

/** Checks connections as they are, and against what they were at the last check. */
export class InvariantChecker {
  readonly #past = new WeakMap<TcpConnection, Past>();

  /** @throws an assertion failure that names the invariant. */
  check(c: TcpConnection): void {
    checkInvariants(c);
    const { state, sndUna, rcvNxt, rcvEdge, isFinReceived } = c;
    const past = this.#past.get(c);
    if (past !== undefined) {
      assert(isReachable(past.state, state), 'a state follows from the one before (figure 5)');
      assert(seqAtMost(past.sndUna, sndUna), 'SND.UNA does not fall');
      if (past.state !== TcpState.SYN_SENT) {
        assert(seqAtMost(past.rcvNxt, rcvNxt), 'RCV.NXT does not fall');
        assert(seqAtMost(past.rcvEdge, rcvEdge), 'the edge of the window does not move back');
      }
      assert(!past.isFinReceived || (isFinReceived && rcvNxt === past.rcvNxt), 'nothing follows FIN');
    }
    this.#past.set(c, { state, sndUna, rcvNxt, rcvEdge, isFinReceived });
  }
}

/** Returns true if one or more transitions lead from one state to the other. */
function isReachable(from: TcpState, to: TcpState, steps = 6): boolean {
  if (from === to) return true;
  if (steps === 0) return false;
  return Object.values(TRANSITIONS[from]).some((next) => isReachable(next, to, steps - 1));
}
