/** The size of a connection's segments (RFC 9293 §3.7.1, RFC 6691), and its first congestion window. */
import { TCP_HEADER_BYTES } from '../wire/tcp-header.js';
import { Cubic } from './congestion/cubic.js';
import { Reno } from './congestion/reno.js';
import type { TcpConnection } from './connection.js';
import { TIMESTAMP_BYTES } from './segment-writer.js';

/** Smallest segment that a path's MTU leads to: a forged ICMP message cannot stop a connection. */
export const LEAST_SEND_MSS = 48;

/** Sets the size of segments from the peer's option, the path's MTU, and the options of each segment. */
export function updateMss(c: TcpConnection): void {
  c.mssMtu = c.path.mtu;
  const fits = c.mssMtu - c.path.headerBytes - TCP_HEADER_BYTES;
  const mss = Math.min(c.peerMss, fits, c.host.profile.mss ?? fits);
  c.sendMss = Math.max(LEAST_SEND_MSS, mss - (c.hasTimestamps ? TIMESTAMP_BYTES : 0));
}

/** Returns the initial congestion window (RFC 6928 §2, RFC 3390 §1), in bytes. */
export function initialWindowBytes(c: TcpConnection): number {
  const mss = c.sendMss;
  const [segments, bytes] = c.host.profile.initialWindow === 'iw10' ? [10, 14_600] : [4, 4380];
  return Math.min(segments * mss, Math.max(2 * mss, bytes));
}

/** Creates the congestion control, for the size of segments that both sides have agreed on. */
export function beginCongestionControl(c: TcpConnection): void {
  const { profile } = c.host;
  const mss = c.sendMss;
  // A lost SYN means a window of one segment (RFC 5681 §3.1).
  const wasLost = c.wasSynLost && profile.ticks === undefined;
  const windowBytes = wasLost ? mss : initialWindowBytes(c);
  const thresholdBytes = profile.initialSsthreshBytes ?? Number.POSITIVE_INFINITY;
  const Control = profile.congestion === 'cubic' ? Cubic : Reno;
  c.congestion = new Control(windowBytes, thresholdBytes);
}
