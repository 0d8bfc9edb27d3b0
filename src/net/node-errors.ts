/** The port's faults as Node's errors and error numbers. */
import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';

const numbers = new Map([...getSystemErrorMap()].map(([errno, [name]]) => [name, errno]));

/** Returns libuv's number of an error. */
export function errnoNamed(name: string): number {
  return numbers.get(name) ?? -1;
}

/** Names of faults for which the stack has no error of the system. */
const NAMES: Partial<Record<ErrorCode, string>> = {
  [ErrorCode.ERR_MEM]: 'ENOMEM',
  [ErrorCode.ERR_BUF]: 'EADDRNOTAVAIL',
  [ErrorCode.ERR_TIMEOUT]: 'ETIMEDOUT',
  [ErrorCode.ERR_RTE]: 'EHOSTUNREACH',
  [ErrorCode.ERR_VAL]: 'EADDRNOTAVAIL',
  [ErrorCode.ERR_USE]: 'EADDRINUSE',
  [ErrorCode.ERR_IF]: 'ENETDOWN',
  [ErrorCode.ERR_ABRT]: 'ECONNABORTED',
  [ErrorCode.ERR_RST]: 'ECONNRESET',
  [ErrorCode.ERR_CLSD]: 'ECONNABORTED',
  [ErrorCode.ERR_ARG]: 'EINVAL',
};

/** Returns libuv's number of the fault of a connection. */
export function errnoOf(fault: Fault): number {
  const { cause, code } = fault;
  const errno: unknown = cause === undefined ? undefined : Reflect.get(cause, 'errno');
  // The kernel says ENOTCONN of a socket whose reset was noticed before.
  if (typeof errno === 'number') return errno === errnoNamed('ENOTCONN') ? errnoNamed('ECONNRESET') : errno;
  return errnoNamed(NAMES[code] ?? 'EIO');
}

/** Returns libuv's number of the fault of an attempt to connect. */
export function connectErrnoOf(fault: Fault): number {
  const errno: unknown = fault.cause === undefined ? undefined : Reflect.get(fault.cause, 'errno');
  const isRefusal = typeof errno !== 'number' && fault.code === ErrorCode.ERR_RST;
  return isRefusal ? errnoNamed('ECONNREFUSED') : errnoOf(fault);
}

/** Returns the system call that a fault names. */
export function syscallOf(fault: Fault): string | undefined {
  const syscall: unknown = fault.cause === undefined ? undefined : Reflect.get(fault.cause, 'syscall');
  return typeof syscall === 'string' ? syscall : undefined;
}

/**
 * Returns the local end that Node's text names, such as ` - Local (0.0.0.0:0)`, if `connect` failed at once.
 * The error of a later failure has the local end as properties, or not at all.
 */
export function localPartOf({ cause }: Fault): string | undefined {
  if (cause === undefined || 'localAddress' in cause) return undefined;
  return / - Local \(.*\)$/.exec(cause.message)?.[0];
}

/** An error of a system call, as Node makes it. */
export interface NodeError extends Error {
  errno: number;
  code: string;
  syscall: string;
  address?: string;
  port?: number;
}

/** Returns an error like `read ECONNRESET`. */
export function nodeError(errno: number, syscall: string): NodeError {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}

/** Returns an error like `bind EADDRINUSE 127.0.0.1:80`. */
export function endError(errno: number, syscall: string, address: string, port: number): NodeError {
  const error = nodeError(errno, syscall);
  error.message += ` ${address}${port > 0 ? `:${port}` : ''}`;
  error.address = address;
  if (port > 0) error.port = port;
  return error;
}
