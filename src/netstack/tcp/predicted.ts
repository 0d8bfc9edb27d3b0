/**
 * The segment that an established connection expects, in one pass: the next bytes of the stream, an
 * acknowledgement of what is in flight, and nothing unusual about either (the header prediction of 4.3BSD and
 * Linux). Nearly all segments of a network without losses are such ones; `receiveSegment` would do the same
 * with them, in more steps.
 */
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { takeAcked, updateSendWindow } from './acknowledge.js';
import type { TcpConnection } from './connection.js';
import { noteTimestamp } from './input.js';
import { takeInOrder } from './receive.js';
import { seqDiff } from './sequence.js';
import { TcpState } from './state.js';

/** Returns true if the segment is an expected one. */
export function isPredicted(c: TcpConnection, segment: Segment): boolean {
  const { dataLength, seq } = segment;
  if (c.state !== TcpState.ESTABLISHED || (segment.flags & ~TcpFlag.PSH) !== TcpFlag.ACK) return false;
  if (seq !== c.rcvNxt || segment.sackBlocks > 0 || dataLength > seqDiff(c.rcvEdge, seq)) return false;
  if (c.ranges.count > 0 || c.finAt !== undefined) return false;
  const acked = seqDiff(segment.ack, c.sndUna);
  if (acked < 0 || acked > seqDiff(c.sndNxt, c.sndUna) || (acked === 0 && dataLength === 0)) return false;
  if (segment.hasTimestamp !== c.hasTimestamps) return false;
  if (c.hasTimestamps && ((segment.timestamp - c.tsRecent) | 0) < 0) return false;
  return acked === 0 || c.recovery === undefined || c.recovery.isCalm;
}

/** Takes an expected segment. */
export function receivePredicted(c: TcpConnection, segment: Segment): void {
  const { timers } = c;
  const { dataLength } = segment;
  const acked = seqDiff(segment.ack, c.sndUna);
  const nowMs = c.nowMs();
  timers.heardAtMs = nowMs;
  updateSendWindow(c, segment);
  if (acked > 0) {
    takeAcked(c, segment, acked, nowMs);
    c.recovery?.grow(acked, nowMs);
    timers.progressed();
  } else timers.answered();
  noteTimestamp(c, segment);
  if (c.unsent() > 0) c.host.schedule(c);
  if (dataLength === 0) return;
  if (dataLength > c.receiveMss) c.receiveMss = dataLength;
  takeInOrder(c, segment, segment.dataStart, dataLength);
}
