/** The system's error codes as the port's faults. */
import { ErrorCode } from '../../port/error-code.js';
import type { Fault } from '../../port/tcp-stack.js';

const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: ErrorCode.ERR_RST,
  ECONNRESET: ErrorCode.ERR_RST,
  // Writing or shutting down after the peer's reset was read.
  EPIPE: ErrorCode.ERR_RST,
  ENOTCONN: ErrorCode.ERR_RST,
  ECONNABORTED: ErrorCode.ERR_ABRT,
  ECANCELED: ErrorCode.ERR_ABRT,
  ETIMEDOUT: ErrorCode.ERR_TIMEOUT,
  ENETUNREACH: ErrorCode.ERR_RTE,
  EHOSTUNREACH: ErrorCode.ERR_RTE,
  EHOSTDOWN: ErrorCode.ERR_RTE,
  // A firewall's rule or a broadcast address.
  EACCES: ErrorCode.ERR_RTE,
  EPERM: ErrorCode.ERR_RTE,
  ENETDOWN: ErrorCode.ERR_IF,
  ENODEV: ErrorCode.ERR_IF,
  EADDRINUSE: ErrorCode.ERR_USE,
  EADDRNOTAVAIL: ErrorCode.ERR_VAL,
  ERR_INVALID_IP_ADDRESS: ErrorCode.ERR_VAL,
  EAFNOSUPPORT: ErrorCode.ERR_VAL,
  EINVAL: ErrorCode.ERR_VAL,
  EMFILE: ErrorCode.ERR_MEM,
  ENFILE: ErrorCode.ERR_MEM,
  ENOMEM: ErrorCode.ERR_MEM,
  ENOBUFS: ErrorCode.ERR_MEM,
};

function codeOf(cause: Error): string {
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

/**
 * Returns the fault of a connection.
 * @param choseLocalPort true if the caller chose the local port.
 */
export function connectionFault(cause: Error, choseLocalPort: boolean): Fault {
  const code = codeOf(cause);
  // EADDRNOTAVAIL of `connect`: the chosen local port is in use to this peer, or all ports are.
  if (code === 'EADDRNOTAVAIL' && 'syscall' in cause && cause.syscall === 'connect') {
    if (choseLocalPort) return { code: ErrorCode.ERR_USE, cause };
    // A machine without IPv6 reports the same for every IPv6 address.
    const isIpv6 = 'address' in cause && String(cause.address).includes(':');
    return { code: isIpv6 ? ErrorCode.ERR_RTE : ErrorCode.ERR_BUF, cause };
  }
  return { code: CODES[code] ?? ErrorCode.ERR_IF, cause };
}

/** Returns the fault of a listener. EACCES: this user may not have the port. */
export function listenFault(cause: Error): Fault {
  const code = codeOf(cause);
  return { code: code === 'EACCES' ? ErrorCode.ERR_VAL : (CODES[code] ?? ErrorCode.ERR_IF), cause };
}

export function lookupFault(cause: Error): Fault {
  return { code: ErrorCode.ERR_DNS, cause };
}
