/**
 * Yes and no of a connection, as bits of one number beside that of `Reporter`: a field of its own for each
 * would double the memory of an idle connection.
 */
export const ConnectionFlag = {
  /** Bytes are taken: FIN was not asked for, and the connection is not over. */
  TAKES_BYTES: 2,
  /** Flushed bytes have waited since `onDrained` was due. */
  HAS_WAITED: 4,
  REPORTS_ACKS: 8,
  REPORTS_DRAINED: 16,
  READING: 32,
  TAKES_VIEWS: 64,
  /** `onEnd` was called. */
  END_REPORTED: 128,
  /** After an event of the sending half: data, if there is some, has its turn. */
  DATA_NEXT: 256,
  /** `close` or `drop` was called. */
  CLOSED: 512,
  /** The end was reported, and TCP still waits for the peer. */
  LINGERING: 1024,
  /** The stack has forgotten the connection. */
  GONE: 2048,
} as const;
