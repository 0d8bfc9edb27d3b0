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

/** Takes the segment if it is an expected one. Returns false if it is not, and has changed nothing then. */
export function receivePredicted(c: TcpConnection, segment: Segment): boolean {
  const { dataLength, seq } = segment;
  if (c.state !== TcpState.ESTABLISHED || (segment.flags & ~TcpFlag.PSH) !== TcpFlag.ACK) return false;
  if (seq !== c.rcvNxt || segment.sackBlocks > 0) return false;
  if (c.ranges.count > 0 || c.finAt !== undefined || dataLength > seqDiff(c.rcvEdge, seq)) return false;
  const acked = seqDiff(segment.ack, c.sndUna);
  if (acked < 0 || acked > seqDiff(c.sndNxt, c.sndUna) || (acked === 0 && dataLength === 0)) return false;
  if (segment.hasTimestamp !== c.hasTimestamps) return false;
  if (c.hasTimestamps && ((segment.timestamp - c.tsRecent) | 0) < 0) return false;
  if (acked > 0 && c.recovery?.isCalm === false) return false;

  const { timers } = c;
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
  if (dataLength === 0) return true;
  if (dataLength > c.receiveMss) c.receiveMss = dataLength;
  takeInOrder(c, segment, segment.dataStart, dataLength);
  return true;
}
