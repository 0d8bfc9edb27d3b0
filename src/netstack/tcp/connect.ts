/** The active open: SYN_SENT (RFC 9293 §3.10.1, §3.10.7.3), and what the options of a SYN mean. */
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { acknowledge, updateSendWindow } from './acknowledge.js';
import { fail } from './close.js';
import { DEFAULT_SEND_MSS, type TcpConnection } from './connection.js';
import { established } from './established.js';
import type { InputAnswer } from './input.js';
import { updateMss } from './mss.js';
import { acknowledgeNow, receiveData } from './receive.js';
import type { TimeWait } from './time-wait.js';
import { scaleToOffer } from './window-scale.js';
import { seqAdd, seqAtMost, seqLess, seqMax, seqOf } from './sequence.js';
import { changeState } from './state.js';

/** Begins an active open. */
export function beginConnect(c: TcpConnection): void {
  chooseSequence(c);
  changeState(c, 'connect');
  c.rcvEdge = c.rcvNxt;
  c.hasSynToSend = true;
  c.host.schedule(c);
}

/** Numbers between the last one of a former connection and the first one of the next (Linux: 65,537). */
const FORMER_GAP = 0x1_0001;

/**
 * Chooses this side's first sequence number. A connection that takes the place of one in TIME_WAIT begins
 * behind its last number, which may be far ahead of the clock (RFC 9293 §3.10.7.4, eighth step).
 */
export function chooseSequence(c: TcpConnection, former?: TimeWait): void {
  const { host, localAddress, localPort, remoteAddress, remotePort } = c;
  c.iss = seqOf(host.initialSequence(localAddress, localPort, remoteAddress, remotePort));
  if (former !== undefined) c.iss = seqMax(c.iss, seqAdd(former.sndNxt, FORMER_GAP));
  c.sndUna = c.sndNxt = c.iss;
  c.sendStart = seqAdd(c.iss, 1);
}

export function receiveInSynSent(c: TcpConnection, segment: Segment): InputAnswer {
  const { flags, ack } = segment;
  const hasAck = (flags & TcpFlag.ACK) !== 0;
  const isAckGood = hasAck && seqLess(c.iss, ack) && seqAtMost(ack, c.sndNxt);
  if (hasAck && !isAckGood) {
    c.host.counters.drop('ackOfNoSyn');
    return (flags & TcpFlag.RST) !== 0 ? 'done' : 'reset';
  }
  if ((flags & TcpFlag.RST) !== 0) {
    if (isAckGood) fail(c, 'refused');
    else c.host.counters.drop('resetWithoutAck');
    return 'done';
  }
  if ((flags & TcpFlag.SYN) === 0) {
    c.host.counters.drop('noSyn');
    return 'done';
  }
  c.timers.heardAtMs = c.nowMs();
  takeSyn(c, segment);
  if (isAckGood) completeOpen(c, segment);
  else answerSimultaneousSyn(c);
  return 'done';
}

function completeOpen(c: TcpConnection, segment: Segment): void {
  updateSendWindow(c, segment);
  established(c);
  acknowledge(c, segment);
  acknowledgeNow(c);
  // Data or FIN may come with the SYN (§3.10.7.3): it begins behind the SYN.
  segment.seq = seqAdd(segment.seq, 1);
  segment.flags &= ~TcpFlag.SYN;
  receiveData(c, segment);
}

/** Both sides open at once (§3.5, figure 8): the SYN goes out again, with an ACK. */
function answerSimultaneousSyn(c: TcpConnection): void {
  changeState(c, 'peerSyn');
  c.releaseSent();
  c.sndNxt = c.iss;
  c.hasSynToSend = true;
  c.timers.armSynReceived();
  c.host.schedule(c);
}

/** Takes the peer's first sequence number, window and options. */
export function takeSyn(c: TcpConnection, segment: Segment): void {
  const { profile } = c.host;
  c.irs = segment.seq;
  c.rcvNxt = c.rcvEdge = c.lastAckSent = seqAdd(segment.seq, 1);
  // A window that was never offered admits nothing: it is offered with the next segment.
  c.rcvEdge = seqAdd(c.rcvNxt, Math.min(c.receiveWindowBytes, 0xffff));
  c.sndWl1 = seqAdd(segment.seq, -1);
  c.sndWl2 = seqOf(c.iss);
  c.peerMss = segment.mss > 0 ? segment.mss : DEFAULT_SEND_MSS;
  c.hasSack = profile.sack && segment.isSackPermitted;
  c.hasTimestamps = profile.timestamps && segment.hasTimestamp;
  if (c.hasTimestamps) {
    c.tsRecent = segment.timestamp;
    c.timers.tsRecentAtMs = c.nowMs();
  }
  const scale = scaleToOffer(c);
  c.hasScale = scale !== undefined && segment.windowScale >= 0;
  if (c.hasScale) {
    c.receiveScale = scale ?? 0;
    c.sendScale = segment.windowScale;
  }
  updateMss(c);
}
