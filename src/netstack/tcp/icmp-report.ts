/** ICMP errors about a connection's segments (RFC 1122 §4.2.3.9, RFC 5927). */
import type { IcmpReport } from './ip-service.js';
import { fail } from './close.js';
import type { TcpConnection } from './connection.js';
import { updateMss } from './mss.js';
import type { SentSegment } from './sent-segment.js';
import { seqAdd, seqDiff, seqLess, seqMin, seqOf } from './sequence.js';
import { TcpState } from './state.js';

/** Places in the quoted header. */
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const SEQUENCE = 4;

/** Returns the ports of the connection that an error is about; `undefined` if too little is quoted. */
export function quotedPorts({ quoted }: IcmpReport): { local: number; remote: number } | undefined {
  if (quoted.byteLength < SEQUENCE + 4) return undefined;
  return { local: quoted.getUint16(SOURCE_PORT), remote: quoted.getUint16(DESTINATION_PORT) };
}

/** Returns true if the quoted segment is in flight: a forged error has to guess that (RFC 5927 §4.1). */
export function isInFlight(c: TcpConnection, { quoted }: IcmpReport): boolean {
  const seq = seqOf(quoted.getInt32(SEQUENCE));
  return !seqLess(seq, c.sndUna) && seqLess(seq, c.sndNxt);
}

/** Takes an error about a segment that is in flight. */
export function reportIcmp(c: TcpConnection, report: IcmpReport): void {
  if (report.kind === 'tooBig') pathShrank(c);
  // An established connection lives through errors of the path (RFC 1122 §4.2.3.9, RFC 5461).
  else if (c.state === TcpState.SYN_SENT && report.kind === 'hard') fail(c, 'refused');
  // Linux gives up while it connects; lwIP does not act on these.
  else if (c.state === TcpState.SYN_SENT && c.host.profile.ticks === undefined) fail(c, 'unreachable');
}

/**
 * The path takes smaller segments: what is in flight and larger is lost, without congestion (RFC 1191
 * §6.4).
 */
function pathShrank(c: TcpConnection): void {
  c.path = c.host.ip.pathTo(c.remoteAddress, c.localAddress) ?? c.path;
  updateMss(c);
  const { sent } = c;
  for (let segment = sent.first; segment !== undefined; segment = segment.next) {
    if (dataBytes(c, segment) > c.sendMss && !segment.isSacked) sent.markLost(segment);
  }
  c.host.schedule(c);
}

/** Returns the bytes of a segment without FIN. */
function dataBytes(c: TcpConnection, { start, end }: SentSegment): number {
  return seqDiff(seqMin(end, seqAdd(c.sendStart, c.sendRing.length)), start);
}
