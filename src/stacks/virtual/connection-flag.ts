/**
 * Yes and no of a connection, as bits of one number: a field of its own for each would double the memory of
 * an idle connection.
 */
export const ConnectionFlag = {
  /** Bytes are taken: FIN was not asked for, and the connection is not over. */
  TAKES_BYTES: 1,
  /** Flushed bytes have waited since `onDrained` was due. */
  HAS_WAITED: 2,
  REPORTS_ACKS: 4,
  REPORTS_DRAINED: 8,
  READING: 16,
  TAKES_VIEWS: 32,
  /** `onEnd` was called. */
  END_REPORTED: 64,
  /** After an event of the sending half: data, if there is some, has its turn. */
  DATA_NEXT: 128,
  /** `close` or `drop` was called. */
  CLOSED: 256,
  /** The end was reported, and TCP still waits for the peer. */
  LINGERING: 512,
  /** The stack has forgotten the connection. */
  GONE: 1024,
} as const;
