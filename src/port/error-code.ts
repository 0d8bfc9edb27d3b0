/** The numbers of lwIP's `err_t` (lwIP 2.x, `err.h`), and −55, AsyncTCP's number for a failed name lookup. */
export const ErrorCode = {
  /** No error. */
  ERR_OK: 0,
  /** Out of memory, file descriptors or connections. */
  ERR_MEM: -1,
  /** Out of buffers or local ports. */
  ERR_BUF: -2,
  /** Timed out. */
  ERR_TIMEOUT: -3,
  /** No route to the host. */
  ERR_RTE: -4,
  /** Still under way. */
  ERR_INPROGRESS: -5,
  /** A value that cannot be used, such as a local address that this machine does not have. */
  ERR_VAL: -6,
  /** The call would have to wait. */
  ERR_WOULDBLOCK: -7,
  /** The address is in use. */
  ERR_USE: -8,
  /** Connecting already. */
  ERR_ALREADY: -9,
  /** Connected already. */
  ERR_ISCONN: -10,
  /** Not connected. */
  ERR_CONN: -11,
  /** The network interface failed. */
  ERR_IF: -12,
  /** Aborted on this side. */
  ERR_ABRT: -13,
  /** The peer reset the connection, or refused it. */
  ERR_RST: -14,
  /** Closed. */
  ERR_CLSD: -15,
  /** An argument that cannot be used. */
  ERR_ARG: -16,
  /** The name has no address, or no resolver answered. */
  ERR_DNS: -55,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];
