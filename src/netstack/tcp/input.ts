/**
 * A segment arrives for a connection: RFC 9293 §3.10.7, with the checks of RFC 5961 (blind attacks), RFC
 * 7323 §5 (PAWS). Bad segments are counted and dropped. TIME_WAIT has a file of its own.
 */
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { acknowledge } from './acknowledge.js';
import { fail } from './close.js';
import { receiveInSynSent } from './connect.js';
import type { TcpConnection } from './connection.js';
import { established } from './established.js';
import { isPredicted, receivePredicted } from './predicted.js';
import { resend } from './output.js';
import { acknowledgeNow, isAcceptable, receiveData } from './receive.js';
import { noteDuplicate } from './segment-writer.js';
import { seqAdd, seqAtMost, seqLess } from './sequence.js';
import { isSynchronized, TcpState } from './state.js';

/** Time after which TS.Recent says nothing any more (RFC 7323 §5.5). */
const PAWS_LIFE_MS = 24 * 24 * 3600 * 1000;

/** The next act of `Tcp` for the segment. */
export type InputAnswer =
  /** Nothing: the connection has dealt with it. */
  | 'done'
  /** The segment is answered with a reset. */
  | 'reset'
  /** The connection is in TIME_WAIT, and gives way to a SYN if there is a listener for it (RFC 6191). */
  | 'listen';

export function receiveSegment(c: TcpConnection, segment: Segment): InputAnswer {
  if (isPredicted(c, segment)) {
    receivePredicted(c, segment);
    return 'done';
  }
  if (c.state === TcpState.SYN_SENT) return receiveInSynSent(c, segment);
  if (c.state === TcpState.SYN_RECEIVED && isRepeatedSyn(c, segment)) return 'done';
  const isReset = (segment.flags & TcpFlag.RST) !== 0;
  if (!isReset && isOfOtherHandshake(c, segment)) return 'reset';
  if (!isReset && isTooOld(c, segment)) return refuse(c, 'paws', mayAnswer(c, segment));
  if (!isAcceptable(c, segment)) return refuseUnacceptable(c, segment, isReset);
  c.timers.heard();
  if (isReset) return receiveReset(c, segment);
  if ((segment.flags & TcpFlag.SYN) !== 0) return challenge(c, 'syn');
  if ((segment.flags & TcpFlag.ACK) === 0) return refuse(c, 'noAck', false);
  if (c.state === TcpState.SYN_RECEIVED && !completeHandshake(c, segment)) return 'reset';
  if (!acknowledge(c, segment)) return 'done';
  noteTimestamp(c, segment);
  receiveAfterAck(c, segment);
  return 'done';
}

function receiveAfterAck(c: TcpConnection, segment: Segment): void {
  if (c.state !== TcpState.CLOSED && c.state !== TcpState.TIME_WAIT) receiveData(c, segment);
}

// ---- first step: is it in the window?

function refuseUnacceptable(c: TcpConnection, segment: Segment, isReset: boolean): 'done' {
  if (isReset) return refuse(c, 'resetOutside', false);
  // A probe of the peer's, or a retransmission: the peer needs to know where this side is (§3.10.7.4).
  c.timers.heard();
  // Data that came before is reported as a duplicate (RFC 2883 §4).
  const dataEnd = seqAdd(segment.seq, segment.dataLength);
  if (seqAtMost(dataEnd, c.rcvNxt)) noteDuplicate(c, segment.seq, dataEnd);
  // In a closed window, acknowledgements count all the same (§3.10.7.4, first step).
  const takesAck = (segment.flags & (TcpFlag.ACK | TcpFlag.SYN)) === TcpFlag.ACK && isSynchronized(c.state);
  // A keep-alive says nothing about losses: it lies before the window.
  const isProbe = segment.length === 0 && seqLess(segment.seq, c.rcvNxt);
  if (takesAck && !isProbe && seqAtMost(segment.seq, c.rcvEdge)) acknowledge(c, segment);
  return refuse(c, 'outside', mayAnswer(c, segment));
}

/**
 * True if an answer can begin no loop of answers: a segment with data or FIN, which its sender repeats
 * until it is acknowledged, or the first one in some time.
 */
function mayAnswer(c: TcpConnection, segment: Segment): boolean {
  return segment.length > 0 || c.timers.mayAnswer();
}

function refuse(c: TcpConnection, reason: string, isAnswered: boolean): 'done' {
  c.host.counters.drop(reason);
  if (isAnswered && c.state !== TcpState.CLOSED) acknowledgeNow(c);
  return 'done';
}

/** Answers with a challenge ACK: a peer that really has lost the connection resets it then (RFC 5961). */
function challenge(c: TcpConnection, reason: string): 'done' {
  c.host.counters.drop(reason);
  if (c.host.mayChallenge()) {
    c.host.counters.challengeAcks += 1;
    acknowledgeNow(c);
  }
  return 'done';
}

// ---- timestamps (RFC 7323 §5)

/** Returns true if the segment was sent before one that has arrived (PAWS). */
function isTooOld(c: TcpConnection, segment: Segment): boolean {
  if (!c.hasTimestamps || !segment.hasTimestamp) return false;
  if (((segment.timestamp - c.tsRecent) | 0) >= 0) return false;
  return c.nowMs() - c.timers.tsRecentAtMs < PAWS_LIFE_MS;
}

/** §4.3: the timestamp of the oldest segment that is not acknowledged is the one to echo. */
export function noteTimestamp(c: TcpConnection, segment: Segment): void {
  if (!c.hasTimestamps || !segment.hasTimestamp) return;
  if (seqLess(c.lastAckSent, segment.seq) || ((segment.timestamp - c.tsRecent) | 0) < 0) return;
  c.tsRecent = segment.timestamp;
  c.timers.tsRecentAtMs = c.nowMs();
}

// ---- second step: reset

function receiveReset(c: TcpConnection, segment: Segment): 'done' {
  // Only the exact number counts: a guess in the window is answered (RFC 5961 §3.2).
  if (segment.seq !== c.rcvNxt) return challenge(c, 'resetGuess');
  const isOpening = c.state === TcpState.SYN_RECEIVED;
  fail(c, isOpening ? 'refused' : 'reset');
  return 'done';
}

// ---- fourth step: SYN

/** In SYN_RECEIVED the peer's SYN comes again if the answer was lost; with an ACK in a simultaneous open. */
function isRepeatedSyn(c: TcpConnection, segment: Segment): boolean {
  const { flags } = segment;
  if ((flags & (TcpFlag.SYN | TcpFlag.RST)) !== TcpFlag.SYN || segment.seq !== c.irs) return false;
  c.timers.heard();
  if ((flags & TcpFlag.ACK) !== 0) {
    if (segment.ack !== c.sndNxt) return false;
    // Both SYNs crossed: the peer's is acknowledged already, so that only its ACK is news (figure 8).
    segment.flags &= ~TcpFlag.SYN;
    segment.seq = seqAdd(segment.seq, 1);
    // The window of a SYN is not scaled (RFC 7323 §2.2), that of the segment without SYN is.
    segment.window >>>= c.sendScale;
    return false;
  }
  if (c.sent.first !== undefined) resend(c, c.sent.first);
  return true;
}

// ---- fifth step in SYN_RECEIVED

/**
 * lwIP looks for the acknowledgement of its SYN before it looks for the place of the segment (`tcp_process`):
 * a peer that has another connection in mind gets a reset, not an answer that it answers.
 */
function isOfOtherHandshake(c: TcpConnection, segment: Segment): boolean {
  if (c.state !== TcpState.SYN_RECEIVED || c.host.profile.ticks === undefined) return false;
  return (segment.flags & TcpFlag.ACK) !== 0 && !acknowledgesSyn(c, segment);
}

/** Returns false, and counts the segment, if it does not acknowledge this side's SYN. */
function acknowledgesSyn(c: TcpConnection, { ack }: Segment): boolean {
  if (seqLess(c.sndUna, ack) && seqAtMost(ack, c.sndNxt)) return true;
  c.host.counters.drop('ackOfNoSyn');
  return false;
}

/** Returns false if the segment does not acknowledge this side's SYN. */
function completeHandshake(c: TcpConnection, segment: Segment): boolean {
  if (!acknowledgesSyn(c, segment)) return false;
  c.sndWl1 = seqAdd(segment.seq, -1);
  c.sndWl2 = segment.ack;
  established(c);
  return true;
}
