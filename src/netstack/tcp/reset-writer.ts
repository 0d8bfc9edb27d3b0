/** Resets in answer to segments of no connection (RFC 9293 §3.5.2, §3.10.7.1). */
import { TcpFlag } from '../wire/tcp-header.js';
import type { Segment } from '../wire/tcp-segment.js';
import { sendBare } from './bare-segment.js';
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
  host.counters.resetsSent += 1;
  sendBare(host, path, {
    localPort: segment.destinationPort,
    remotePort: segment.sourcePort,
    seq: hasAck ? segment.ack : seqOf(0),
    ack: hasAck ? seqOf(0) : seqAdd(segment.seq, segment.length),
    flags: hasAck ? RST : RST | ACK,
    window: 0,
    timestamps: undefined,
  });
}
