/** Figures of a connection, for diagnostics. */
import type { TcpInfo } from '../raw-api.js';
import type { TcpConnection } from './connection.js';
import { initialWindowBytes } from './mss.js';
import { seqDiff } from './sequence.js';

export function connectionInfo(c: TcpConnection): TcpInfo {
  const { congestion, sent, recovery, timers } = c;
  let sackedSegments = 0;
  let lostSegments = 0;
  let retransmittedSegments = 0;
  for (let segment = sent.first; segment !== undefined; segment = segment.next) {
    if (segment.isSacked) sackedSegments += 1;
    if (segment.isLost) lostSegments += 1;
    if (segment.isResent) retransmittedSegments += 1;
  }
  const phase = recovery?.phase ?? 'open';
  // The times of a connection that is over are gone.
  const isMeasured = !c.isOver && timers.smoothedRttMs >= 0;
  const hasHoles = sackedSegments > 0 || (recovery?.duplicates ?? 0) > 0;
  return {
    state: c.state,
    smoothedRttMs: isMeasured ? timers.smoothedRttMs : undefined,
    rttVariationMs: isMeasured ? timers.rttVariationMs : undefined,
    rtoMs: c.isOver ? 0 : timers.rtoMs(),
    congestionWindowBytes: congestion?.windowBytes ?? initialWindowBytes(c),
    slowStartThresholdBytes: congestion?.thresholdBytes ?? Number.POSITIVE_INFINITY,
    bytesInFlight: c.inFlight(),
    segmentsInFlight: sent.count - sackedSegments - lostSegments + retransmittedSegments,
    sackedSegments,
    lostSegments,
    retransmittedSegments,
    totalRetransmissions: c.retransmissions,
    unansweredRetransmissions: timers.unanswered,
    peerWindowBytes: c.sndWnd,
    advertisedWindowBytes: Math.max(0, seqDiff(c.rcvEdge, c.rcvNxt)),
    hasTimestamps: c.hasTimestamps,
    hasSack: c.hasSack,
    sendScale: c.hasScale ? c.sendScale : undefined,
    receiveScale: c.hasScale ? c.receiveScale : undefined,
    recovery: phase === 'open' && hasHoles ? 'disorder' : phase,
  };
}
