/** Segments that no connection sends: resets, and the answers of TIME_WAIT. */
import { fold, sumWords } from '../wire/checksum.js';
import { TCP_HEADER_BYTES, TCP_PROTOCOL, TcpField } from '../wire/tcp-header.js';
import type { TcpHost } from './host.js';
import type { IpPath } from './ip-service.js';
import { TIMESTAMP_BYTES, TIMESTAMPS_WORD } from './segment-writer.js';
import type { Seq } from './sequence.js';

export interface BareSegment {
  readonly localPort: number;
  readonly remotePort: number;
  readonly seq: Seq;
  readonly ack: Seq;
  readonly flags: number;
  /** As the header has it. */
  readonly window: number;
  readonly timestamps: { readonly value: number; readonly echo: number } | undefined;
}

export function sendBare(host: TcpHost, path: IpPath, segment: BareSegment): void {
  const { localPort, remotePort, seq, ack, flags, window, timestamps } = segment;
  const headerBytes = TCP_HEADER_BYTES + (timestamps === undefined ? 0 : TIMESTAMP_BYTES);
  const frame = path.frames.take(headerBytes);
  const { view, start } = frame;
  const end = start + headerBytes;
  frame.end = end;
  view.setInt32(start + TcpField.SOURCE_PORT, (localPort << 16) | remotePort);
  view.setInt32(start + TcpField.SEQUENCE, seq);
  view.setInt32(start + TcpField.ACKNOWLEDGEMENT, ack);
  view.setInt32(start + TcpField.DATA_OFFSET, (headerBytes << 26) | (flags << 16) | window);
  view.setInt32(start + TcpField.CHECKSUM, 0);
  if (timestamps !== undefined) {
    view.setInt32(start + TCP_HEADER_BYTES, TIMESTAMPS_WORD);
    view.setInt32(start + TCP_HEADER_BYTES + 4, timestamps.value);
    view.setInt32(start + TCP_HEADER_BYTES + 8, timestamps.echo);
  }
  const sum = sumWords(view, start, end) + path.addressSum + TCP_PROTOCOL + headerBytes;
  view.setUint16(start + TcpField.CHECKSUM, ~fold(sum) & 0xffff);
  host.counters.sent += 1;
  host.ip.send(path, TCP_PROTOCOL, frame);
}
