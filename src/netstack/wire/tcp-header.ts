/** Places and bits of the TCP header (RFC 9293 §3.1) and its options. */

export const TCP_PROTOCOL = 6;
export const TCP_HEADER_BYTES = 20;
/** Largest header: the data offset has four bits. */
export const MOST_TCP_HEADER_BYTES = 60;

export const TcpFlag = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
} as const;

/** Places of the header's fields, from its first byte on. */
export const TcpField = {
  SOURCE_PORT: 0,
  DESTINATION_PORT: 2,
  SEQUENCE: 4,
  ACKNOWLEDGEMENT: 8,
  DATA_OFFSET: 12,
  FLAGS: 13,
  WINDOW: 14,
  CHECKSUM: 16,
  URGENT: 18,
} as const;

/** Kinds of options, and their lengths. */
export const TcpOption = {
  END: 0,
  NOP: 1,
  MSS: 2,
  WINDOW_SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
} as const;

/** Shift of a window at most (RFC 7323 §2.3). */
export const MOST_WINDOW_SCALE = 14;
/** Blocks of a SACK option at most: 34 of 40 bytes of options. */
export const MOST_SACK_BLOCKS = 4;
