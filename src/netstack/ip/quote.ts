/** The first bytes of a packet, as an ICMP error quotes them (RFC 792, RFC 4443 §3). */
import { Address } from '../wire/address.js';
import { headerBytes4, IPV4_HEADER_BYTES, OFFSET_MASK } from '../wire/ipv4.js';
import { findUpper6, IPV6_HEADER_BYTES, readAddress } from '../wire/ipv6.js';

/** Bytes of the transport header that an error quotes at least (RFC 792). */
const QUOTED_BYTES = 8;

export interface Quote {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** Bytes of the whole packet, as its header says. */
  readonly bytes: number;
  /** First bytes of the transport part, copied. */
  readonly quoted: DataView;
}

/**
 * Reads the packet that begins at `start`; `undefined` if it is none of the family, too short, or a later
 * fragment, which shows no port.
 */
export function readQuote(family: 4 | 6, view: DataView, start: number, end: number): Quote | undefined {
  if (start >= end || view.getUint8(start) >>> 4 !== family) return undefined;
  return family === 4 ? readQuote4(view, start, end) : readQuote6(view, start, end);
}

function readQuote4(view: DataView, start: number, end: number): Quote | undefined {
  if (start + IPV4_HEADER_BYTES > end) return undefined;
  const headerBytes = headerBytes4(view, start);
  const bytes = view.getUint16(start + 2);
  if (headerBytes < IPV4_HEADER_BYTES || bytes < headerBytes) return undefined;
  const at = start + headerBytes;
  const isLater = (view.getUint16(start + 6) & OFFSET_MASK) !== 0;
  if (isLater || at + QUOTED_BYTES > end) return undefined;
  return {
    source: Address.ofIpv4(view.getInt32(start + 12)),
    destination: Address.ofIpv4(view.getInt32(start + 16)),
    protocol: view.getUint8(start + 9),
    bytes,
    quoted: copyOf(view, at),
  };
}

function readQuote6(view: DataView, start: number, end: number): Quote | undefined {
  const upper = findUpper6(view, start, end);
  if (upper === undefined || upper.fragmentOffset > 0 || upper.at + QUOTED_BYTES > end) return undefined;
  return {
    source: readAddress(view, start + 8),
    destination: readAddress(view, start + 24),
    protocol: upper.protocol,
    bytes: IPV6_HEADER_BYTES + view.getUint16(start + 4),
    quoted: copyOf(view, upper.at),
  };
}

function copyOf(view: DataView, at: number): DataView {
  const copy = new DataView(new ArrayBuffer(QUOTED_BYTES));
  for (let index = 0; index < QUOTED_BYTES; index += 4) copy.setInt32(index, view.getInt32(at + index));
  return copy;
}
