/** lwIP's numbers for the reasons of `netstack`, with texts for people. */
import type { TcpFailure, TcpRefusal, TcpSocket } from '../../netstack/raw-api.js';
import { ErrorCode } from '../../port/error-code.js';
import type { Endpoint, Fault } from '../../port/tcp-stack.js';

const FAILURES: Readonly<Record<TcpFailure, readonly [ErrorCode, string]>> = {
  reset: [ErrorCode.ERR_RST, 'the peer reset the connection'],
  refused: [ErrorCode.ERR_RST, 'nothing listens there'],
  timedOut: [ErrorCode.ERR_TIMEOUT, 'nothing answers'],
  unreachable: [ErrorCode.ERR_RTE, 'the host cannot be reached'],
  noMemory: [ErrorCode.ERR_MEM, 'the host has no place for a further connection'],
  aborted: [ErrorCode.ERR_ABRT, 'this host reset the connection'],
};

const REFUSALS: Readonly<Record<TcpRefusal, readonly [ErrorCode, string]>> = {
  inUse: [ErrorCode.ERR_USE, 'it is in use'],
  noPort: [ErrorCode.ERR_BUF, 'every port is in use'],
  noMemory: [ErrorCode.ERR_MEM, 'the host has no place for one more'],
  unreachable: [ErrorCode.ERR_RTE, 'no interface leads there'],
  notLocal: [ErrorCode.ERR_VAL, 'the local address is not one of this host'],
};

/** Returns the fault of a connection that was established. */
export function failureFault(failure: TcpFailure): Fault {
  const [code, text] = FAILURES[failure];
  return { code, cause: new Error(failure === 'timedOut' ? 'the peer does not answer any more' : text) };
}

/** Returns the fault of an attempt to connect that has failed. */
export function attemptFault({ failure = 'aborted', remoteAddress, remotePort }: TcpSocket): Fault {
  const [code, text] = FAILURES[failure];
  return { code, cause: new Error(`connect to ${remoteAddress.toString()} port ${remotePort}: ${text}`) };
}

/** Returns the fault of a `connect` or `listen` that failed at once. */
export function refusalFault(refusal: TcpRefusal, call: string, end: Endpoint): Fault {
  const [code, text] = REFUSALS[refusal];
  return { code, cause: new Error(`${call} ${end.address} port ${end.port}: ${text}`) };
}

export function closeTimeoutFault(closeTimeoutMs: number): Fault {
  const cause = new Error(`there was no progress for ${closeTimeoutMs} ms after close()`);
  return { code: ErrorCode.ERR_TIMEOUT, cause };
}

/** Returns the fault of bytes that were detached before they left, with the error of write(2) for them. */
export function detachedFault(): Fault {
  const error = { errno: -14, code: 'EFAULT', syscall: 'write' };
  return { code: ErrorCode.ERR_IF, cause: Object.assign(new Error('write EFAULT'), error) };
}
