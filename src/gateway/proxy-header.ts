/**
 * Types and numbers of the PROXY protocol, versions 1 and 2, after HAProxy's `proxy-protocol.txt` of
 * 2020-03-05, to whose sections the comments refer.
 *
 * The parser is the project's own: those on npm (proxy-protocol-js, proxy-protocol-v2, proxywrap and its
 * forks) were last changed years ago, have few users, and take one whole buffer or wrap node:net's server.
 */
import type { Endpoint } from '../port/tcp-stack.js';

/** First bytes of version 1 (§2.1). */
export const V1_SIGNATURE = 'PROXY ';

/** Most bytes of a line of version 1, CRLF included (§2.1). */
export const V1_MOST_BYTES = 107;

/** First bytes of version 2 (§2.2). */
export const V2_SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);

/** Bytes of version 2 before its addresses (§2.2). */
export const V2_FIXED_BYTES = 16;

/** Most bytes behind them: their number has 16 bits (§2.2). */
export const V2_MOST_BLOCK_BYTES = 65_535;

/** The 13th byte: version 2 and the command (§2.2). */
export const V2_LOCAL = 0x20;
export const V2_PROXY = 0x21;

/** The 14th byte: family and transport (§2.2). */
export const TCP_OVER_IPV4 = 0x11;
export const TCP_OVER_IPV6 = 0x21;

/** Types of the values of version 2 (§2.2). */
export const ProxyTlvType = {
  /** Protocol that client and proxy have agreed upon in TLS (RFC 7301). */
  ALPN: 0x01,
  /** Host name that the client asked for, such as TLS's `server_name`, in UTF-8. */
  AUTHORITY: 0x02,
  /** Checksum of the header. A reader checks it. */
  CRC32C: 0x03,
  /** Padding. */
  NOOP: 0x04,
  /** Up to 128 bytes by which the proxy names the connection. */
  UNIQUE_ID: 0x05,
  /** A byte of flags, 4 bytes of the certificate's verification, and values of `SSL_…` types. */
  SSL: 0x20,
  SSL_VERSION: 0x21,
  SSL_CN: 0x22,
  SSL_CIPHER: 0x23,
  SSL_SIG_ALG: 0x24,
  SSL_KEY_ALG: 0x25,
  /** Name of the network namespace, in ASCII. */
  NETNS: 0x30,
} as const;

/** A value of version 2. */
export interface ProxyTlv {
  /** Type, 0 to 255; `ProxyTlvType` has the registered ones. */
  readonly type: number;
  /** Raw bytes. */
  readonly value: Uint8Array;
}

/** A header that was read. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /**
   * `LOCAL`: the proxy has connected for itself, as for a health check. Always `PROXY` in version 1.
   */
  readonly command: 'PROXY' | 'LOCAL';
  /**
   * The client's end; `undefined` for `LOCAL`, for `UNKNOWN` of version 1, and for a client that did not come
   * by TCP over IPv4 or IPv6. An IPv4-mapped address is IPv4.
   */
  readonly source: Endpoint | undefined;
  /** The end to which the client connected; `undefined` where `source` is. */
  readonly destination: Endpoint | undefined;
  /** Values of version 2, in their order. */
  readonly tlvs: readonly ProxyTlv[];
}

/** Cause for which a header is refused. */
export type HeaderFault =
  /** The header is not as the protocol wants it. */
  | 'malformed'
  /** The header has more bytes than are taken. */
  | 'tooLong';

/** Outcome of reading the bytes so far. */
export type HeaderOutcome =
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly fault: HeaderFault; readonly text: string }
  | {
      readonly kind: 'complete';
      readonly header: ProxyHeader;
      /** Bytes of the header. */
      readonly bytes: number;
    };

export const MORE: HeaderOutcome = { kind: 'more' };

export function refused(text: string, fault: HeaderFault = 'malformed'): HeaderOutcome {
  return { kind: 'refused', fault, text };
}
