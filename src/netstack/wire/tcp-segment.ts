/**
 * A received segment, checked and read once. One object serves all segments of a host, so that it must
 * not be kept.
 */
import type { Frame } from '../frame.js';
import type { IpPacket } from '../tcp/ip-service.js';
import { seqAdd, seqOf, type Seq } from '../tcp/sequence.js';
import { fold, sumWords } from './checksum.js';
import {
  MOST_SACK_BLOCKS,
  MOST_WINDOW_SCALE,
  TCP_HEADER_BYTES,
  TCP_PROTOCOL,
  TcpField,
  TcpFlag,
  TcpOption,
} from './tcp-header.js';

/** Reason for which a segment is dropped before TCP looks at it. */
export type SegmentFault = 'truncated' | 'checksum' | 'dataOffset' | 'options' | 'ports';

export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  seq: Seq = seqOf(0);
  ack: Seq = seqOf(0);
  flags = 0;
  /** As it stands in the header, not scaled. */
  window = 0;
  /** Place of the data in the frame. */
  dataStart = 0;
  dataLength = 0;
  frame: Frame | undefined;
  /** 0: the option is not there. */
  mss = 0;
  /** −1: the option is not there. */
  windowScale = -1;
  isSackPermitted = false;
  hasTimestamp = false;
  timestamp = 0;
  timestampEcho = 0;
  sackBlocks = 0;
  readonly sackStart: Seq[] = [];
  readonly sackEnd: Seq[] = [];

  /** Sequence numbers that the segment takes (SEG.LEN). */
  get length(): number {
    const { flags } = this;
    return this.dataLength + (flags & TcpFlag.SYN ? 1 : 0) + (flags & TcpFlag.FIN ? 1 : 0);
  }

  /** Sequence number behind the segment. */
  get end(): Seq {
    return seqAdd(this.seq, this.length);
  }

  /** Reads a packet's segment. Returns the fault for which it is dropped. */
  read(packet: IpPacket): SegmentFault | undefined {
    const { frame, start, end } = packet;
    const { view } = frame;
    const length = end - start;
    if (length < TCP_HEADER_BYTES) return 'truncated';
    const headerBytes = (view.getUint8(start + TcpField.DATA_OFFSET) >>> 4) * 4;
    if (headerBytes < TCP_HEADER_BYTES || headerBytes > length) return 'dataOffset';
    if (
      !frame.isVerified &&
      fold(sumWords(view, start, end) + packet.addressSum + TCP_PROTOCOL + length) !== 0xffff
    )
      return 'checksum';
    this.#readFixed(view, start);
    if (this.sourcePort === 0 || this.destinationPort === 0) return 'ports';
    this.frame = frame;
    this.dataStart = start + headerBytes;
    this.dataLength = length - headerBytes;
    this.mss = this.sackBlocks = 0;
    this.windowScale = -1;
    this.isSackPermitted = this.hasTimestamp = false;
    return headerBytes === TCP_HEADER_BYTES
      ? undefined
      : this.#readOptions(view, start + TCP_HEADER_BYTES, this.dataStart);
  }

  #readFixed(view: DataView, start: number): void {
    const ports = view.getInt32(start + TcpField.SOURCE_PORT);
    this.sourcePort = ports >>> 16;
    this.destinationPort = ports & 0xffff;
    this.seq = seqOf(view.getInt32(start + TcpField.SEQUENCE));
    this.ack = seqOf(view.getInt32(start + TcpField.ACKNOWLEDGEMENT));
    const flagsAndWindow = view.getInt32(start + TcpField.DATA_OFFSET);
    this.flags = (flagsAndWindow >>> 16) & 0xff;
    this.window = flagsAndWindow & 0xffff;
  }

  #readOptions(view: DataView, start: number, end: number): SegmentFault | undefined {
    // Timestamps alone, in the form of RFC 7323 appendix A, are what nearly all segments carry.
    if (end - start === 12 && view.getInt32(start) === 0x0101080a) {
      this.#readTimestamps(view, start + 4);
      return undefined;
    }
    for (let at = start; at < end;) {
      const kind = view.getUint8(at);
      if (kind === TcpOption.END) return undefined;
      if (kind === TcpOption.NOP) {
        at += 1;
        continue;
      }
      const length = at + 1 < end ? view.getUint8(at + 1) : 0;
      if (length < 2 || at + length > end) return 'options';
      this.#readOption(view, kind, at, length);
      at += length;
    }
    return undefined;
  }

  /** Reads one option. One of a wrong length is ignored, as an unknown one is (RFC 9293 §3.1, MUST-6). */
  #readOption(view: DataView, kind: number, at: number, length: number): void {
    const isSyn = (this.flags & TcpFlag.SYN) !== 0;
    if (kind === TcpOption.TIMESTAMPS && length === 10) this.#readTimestamps(view, at + 2);
    else if (kind === TcpOption.SACK && length > 2 && (length - 2) % 8 === 0)
      this.#readSack(view, at, length);
    else if (!isSyn) return;
    else if (kind === TcpOption.MSS && length === 4) this.mss = view.getUint16(at + 2);
    else if (kind === TcpOption.SACK_PERMITTED && length === 2) this.isSackPermitted = true;
    else if (kind === TcpOption.WINDOW_SCALE && length === 3) {
      // A larger shift counts as 14 (RFC 7323 §2.3).
      this.windowScale = Math.min(view.getUint8(at + 2), MOST_WINDOW_SCALE);
    }
  }

  #readTimestamps(view: DataView, at: number): void {
    this.hasTimestamp = true;
    this.timestamp = view.getInt32(at);
    this.timestampEcho = view.getInt32(at + 4);
  }

  #readSack(view: DataView, at: number, length: number): void {
    this.sackBlocks = Math.min((length - 2) / 8, MOST_SACK_BLOCKS);
    for (let block = 0; block < this.sackBlocks; block += 1) {
      this.sackStart[block] = seqOf(view.getInt32(at + 2 + block * 8));
      this.sackEnd[block] = seqOf(view.getInt32(at + 6 + block * 8));
    }
  }
}
