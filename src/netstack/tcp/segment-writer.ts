/**
 * Writes the segments of a connection and hands them to IP. Each segment carries the acknowledgement and the
 * window of its moment, so that sending anything settles an acknowledgement that is due.
 */
import type { Frame } from '../frame.js';
import { fold, sumWords } from '../wire/checksum.js';
import {
  MOST_SACK_BLOCKS,
  MOST_TCP_HEADER_BYTES,
  TCP_HEADER_BYTES,
  TCP_PROTOCOL,
  TcpField,
  TcpFlag,
  TcpOption,
} from '../wire/tcp-header.js';
import type { TcpConnection } from './connection.js';
import { advertisedWindow } from './receive.js';
import { seqDiff, seqLess, type Seq } from './sequence.js';
import { scaleToOffer } from './window-scale.js';

/** NOP, NOP, kind and length of timestamps (RFC 7323 appendix A). */
export const TIMESTAMPS_WORD = 0x0101080a;
export const TIMESTAMP_BYTES = 12;
const MOST_WINDOW = 0xffff;

/** Sends a segment with `bytes` bytes of the stream from `seq` on. */
export function sendSegment(c: TcpConnection, seq: Seq, bytes: number, flags: number): void {
  const frame = c.path.frames.take(MOST_TCP_HEADER_BYTES + bytes);
  const optionBytes = writeOptions(c, frame, frame.start + TCP_HEADER_BYTES, bytes);
  const dataStart = frame.start + TCP_HEADER_BYTES + optionBytes;
  if (bytes > 0) c.sendRing.copyTo(frame.bytes, dataStart, seqDiff(seq, c.sendStart), bytes);
  frame.end = dataStart + bytes;
  const window = advertisedWindow(c) >> c.receiveScale;
  finish(c, frame, seq, flags, optionBytes, Math.min(window, MOST_WINDOW));
  acknowledgementSent(c);
}

/** Sends the SYN, or the SYN-ACK (§3.5). Its window is never scaled (RFC 7323 §2.2). */
export function sendSyn(c: TcpConnection, flags: number): void {
  const frame = c.path.frames.take(MOST_TCP_HEADER_BYTES);
  const optionBytes = writeSynOptions(c, frame, frame.start + TCP_HEADER_BYTES, (flags & TcpFlag.ACK) !== 0);
  frame.end = frame.start + TCP_HEADER_BYTES + optionBytes;
  finish(c, frame, c.iss, flags, optionBytes, Math.min(advertisedWindow(c), MOST_WINDOW));
  if ((flags & TcpFlag.ACK) !== 0) acknowledgementSent(c);
}

/** Sends a segment without data. @param seq its sequence number; that of the next byte, but for probes. */
export function sendEmpty(c: TcpConnection, seq: Seq, flags: number): void {
  sendSegment(c, seq, 0, flags);
}

function finish(
  c: TcpConnection,
  frame: Frame,
  seq: Seq,
  flags: number,
  optionBytes: number,
  window: number,
): void {
  const { view, start, end } = frame;
  // Whole words: both ports; data offset, flags and window; checksum and urgent pointer.
  const ports = (c.localPort << 16) | c.remotePort;
  const ack = (flags & TcpFlag.ACK) === 0 ? 0 : c.rcvNxt;
  const offsetToWindow = ((TCP_HEADER_BYTES + optionBytes) << 26) | (flags << 16) | window;
  const pseudoSum = c.path.addressSum + TCP_PROTOCOL + end - start;
  view.setInt32(start + TcpField.SOURCE_PORT, ports);
  view.setInt32(start + TcpField.SEQUENCE, seq);
  view.setInt32(start + TcpField.ACKNOWLEDGEMENT, ack);
  view.setInt32(start + TcpField.DATA_OFFSET, offsetToWindow);
  view.setInt32(start + TcpField.CHECKSUM, 0);
  view.setUint16(start + TcpField.CHECKSUM, ~fold(sumWords(view, start, end) + pseudoSum) & 0xffff);
  frame.isVerified = true;
  c.host.counters.sent += 1;
  c.host.ip.send(c.path, TCP_PROTOCOL, frame);
}

function acknowledgementSent(c: TcpConnection): void {
  c.lastAckSent = c.rcvNxt;
  c.isAckDue = c.hasDuplicate = false;
  c.delayedSegments = c.delayedBytes = 0;
  if (c.quickAcks > 0) c.quickAcks -= 1;
  c.timers.delayedAckAtMs = Number.POSITIVE_INFINITY;
}

/** Returns the bytes of a SACK option that a segment with data carries now. */
export function dataSackBytes(c: TcpConnection): number {
  return hasBlocks(c) ? sackBytes(1) : 0;
}

function hasBlocks(c: TcpConnection): boolean {
  return c.hasSack && (c.ranges.count > 0 || c.hasDuplicate);
}

function sackBytes(blocks: number): number {
  return 4 + 8 * blocks;
}

function writeOptions(c: TcpConnection, frame: Frame, at: number, dataBytes: number): number {
  const { view } = frame;
  let bytes = 0;
  if (c.hasTimestamps) {
    view.setInt32(at, TIMESTAMPS_WORD);
    view.setInt32(at + 4, timestamp(c));
    view.setInt32(at + 8, c.tsRecent);
    bytes = TIMESTAMP_BYTES;
  }
  if (!hasBlocks(c)) return bytes;
  // A segment with data has room for one block: its size counts on that.
  const most = dataBytes > 0 ? 1 : MOST_SACK_BLOCKS - (c.hasTimestamps ? 1 : 0);
  return bytes + writeBlocks(c, view, at + bytes, most);
}

/** Writes the SACK option (RFC 2018 §4), a duplicate first (RFC 2883 §4). Returns its length. */
function writeBlocks(c: TcpConnection, view: DataView, at: number, most: number): number {
  let blocks = 0;
  const write = (start: Seq, end: Seq): void => {
    view.setInt32(at + 4 + blocks * 8, start);
    view.setInt32(at + 8 + blocks * 8, end);
    blocks += 1;
  };
  if (c.hasDuplicate) write(c.duplicateStart, c.duplicateEnd);
  for (const { start, end } of c.ranges.latest(most - blocks)) write(start, end);
  view.setUint16(at, (TcpOption.NOP << 8) | TcpOption.NOP);
  view.setUint8(at + 2, TcpOption.SACK);
  view.setUint8(at + 3, 2 + 8 * blocks);
  return sackBytes(blocks);
}

/** The clock of timestamps: milliseconds and an offset of the connection's own (RFC 7323 §5.4). */
export function timestamp(c: Pick<TcpConnection, 'host' | 'timestampOffset'>): number {
  return (Math.floor(c.host.clock.nowMs()) + c.timestampOffset) | 0;
}

function writeSynOptions(c: TcpConnection, frame: Frame, start: number, isAnswer: boolean): number {
  const { view } = frame;
  const { profile } = c.host;
  const offersTimestamps = isAnswer ? c.hasTimestamps : profile.timestamps;
  const offersSack = isAnswer ? c.hasSack : profile.sack;
  const scale = isAnswer ? (c.hasScale ? c.receiveScale : undefined) : scaleToOffer(c);
  view.setUint16(start, (TcpOption.MSS << 8) | 4);
  view.setUint16(start + 2, receivedMss(c));
  let at = start + 4;
  if (offersTimestamps) {
    // SACK-permitted takes the place of the two NOPs in front of the timestamps, as in Linux.
    view.setUint16(
      at,
      offersSack ? (TcpOption.SACK_PERMITTED << 8) | 2 : (TcpOption.NOP << 8) | TcpOption.NOP,
    );
    view.setUint16(at + 2, (TcpOption.TIMESTAMPS << 8) | 10);
    view.setInt32(at + 4, timestamp(c));
    view.setInt32(at + 8, isAnswer ? c.tsRecent : 0);
    at += TIMESTAMP_BYTES;
  } else if (offersSack) {
    view.setUint32(at, 0x01010402);
    at += 4;
  }
  if (scale !== undefined) {
    view.setUint32(at, 0x01030300 | scale);
    at += 4;
  }
  return at - start;
}

/**
 * Returns the largest segment that this side takes: what the MTU of its link leaves, for the path's says
 * what this side may send (RFC 9293 §3.7.1, RFC 6691 §2).
 */
function receivedMss(c: TcpConnection): number {
  const fits = c.path.linkMtu - c.path.headerBytes - TCP_HEADER_BYTES;
  return Math.min(fits, c.host.profile.mss ?? fits);
}

/** Remembers data that came twice, to be reported in the next SACK option. */
export function noteDuplicate(c: TcpConnection, start: Seq, end: Seq): void {
  if (!c.hasSack || !seqLess(start, end)) return;
  c.duplicateStart = start;
  c.duplicateEnd = end;
  c.hasDuplicate = true;
}
