import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';

const TEXTS: Record<ErrorCode, string> = {
  [ErrorCode.ERR_OK]: 'no error',
  [ErrorCode.ERR_MEM]: 'out of memory, descriptors or connections',
  [ErrorCode.ERR_BUF]: 'out of buffers or local ports',
  [ErrorCode.ERR_TIMEOUT]: 'timed out',
  [ErrorCode.ERR_RTE]: 'no route to the host',
  [ErrorCode.ERR_INPROGRESS]: 'operation in progress',
  [ErrorCode.ERR_VAL]: 'value that cannot be used',
  [ErrorCode.ERR_WOULDBLOCK]: 'operation would block',
  [ErrorCode.ERR_USE]: 'address in use',
  [ErrorCode.ERR_ALREADY]: 'already connecting',
  [ErrorCode.ERR_ISCONN]: 'already connected',
  [ErrorCode.ERR_CONN]: 'not connected',
  [ErrorCode.ERR_IF]: 'network interface failed',
  [ErrorCode.ERR_ABRT]: 'connection aborted',
  [ErrorCode.ERR_RST]: 'connection reset or refused by the peer',
  [ErrorCode.ERR_CLSD]: 'connection closed',
  [ErrorCode.ERR_ARG]: 'argument that cannot be used',
  [ErrorCode.ERR_DNS]: 'name lookup failed',
};

/** Returns one short English line for a code; for an unknown number, a line that names the number. */
export function errorText(code: number): string {
  return (TEXTS as Partial<Record<number, string>>)[code] ?? `unknown error ${String(code)}`;
}

/** The error with which promises of this library are rejected. */
export class TcpError extends Error {
  override readonly name = 'TcpError';
  /** lwIP's number of the fault. */
  readonly code: ErrorCode;
  /** The system's own error, if there is one. */
  declare readonly cause?: Error;

  /**
   * @param code lwIP's number of the fault.
   * @param action the action that failed, for the message: `connect to 192.0.2.1:80`.
   * @param cause the system's own error, if there is one.
   */
  constructor(code: ErrorCode, action: string, cause?: Error) {
    super(
      `${action}: ${errorText(code)}${cause === undefined ? '' : ` (${cause.message})`}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
  }
}

export function tcpError(action: string, fault: Fault): TcpError {
  return new TcpError(fault.code, action, fault.cause);
}
