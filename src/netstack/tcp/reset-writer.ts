/** Resets in answer to segments of no connection (RFC 9293 §3.5.2, §3.10.7.1). */
import { fold, sumWords } from '../wire/checksum.js';
import { TCP_HEADER_BYTES, TCP_PROTOCOL, TcpField, TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import type { TcpHost } from './host.js';
import type { IpPacket } from './ip-service.js';
import { seqAdd, seqOf } from './sequence.js';

const { ACK, RST } = TcpFlag;

/** Answers a segment with a reset, unless it is one itself. */
export function sendResetFor(host: TcpHost, packet: IpPacket, segment: Segment): void {
  if ((segment.flags & RST) !== 0) return;
  const path = host.ip.pathTo(packet.source(), packet.destination());
  if (path === undefined) return;
  const hasAck = (segment.flags & ACK) !== 0;
  const frame = path.frames.take(TCP_HEADER_BYTES);
  const { view, start } = frame;
  frame.end = start + TCP_HEADER_BYTES;
  view.setUint16(start + TcpField.SOURCE_PORT, segment.destinationPort);
  view.setUint16(start + TcpField.DESTINATION_PORT, segment.sourcePort);
  view.setInt32(start + TcpField.SEQUENCE, hasAck ? segment.ack : seqOf(0));
  view.setInt32(start + TcpField.ACKNOWLEDGEMENT, hasAck ? 0 : seqAdd(segment.seq, segment.length));
  view.setUint8(start + TcpField.DATA_OFFSET, (TCP_HEADER_BYTES / 4) << 4);
  view.setUint8(start + TcpField.FLAGS, hasAck ? RST : RST | ACK);
  view.setUint16(start + TcpField.WINDOW, 0);
  view.setUint32(start + TcpField.CHECKSUM, 0);
  const sum = sumWords(view, start, frame.end) + path.addressSum + TCP_PROTOCOL + TCP_HEADER_BYTES;
  view.setUint16(start + TcpField.CHECKSUM, ~fold(sum) & 0xffff);
  host.counters.resetsSent += 1;
  host.ip.send(path, TCP_PROTOCOL, frame);
}
