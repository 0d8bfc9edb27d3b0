/** Refusals of the native addon as errors like Node's own: code, errno, syscall, and the address. */
import { getSystemErrorName } from 'node:util';

/** In the order of `enum system_call` in native/refusal.h, from 1 on. */
const SYSTEM_CALLS = [
  'socket',
  'bind',
  'connect',
  'listen',
  'accept',
  'getsockname',
  'getpeername',
  'getsockopt',
  'setsockopt',
  'read',
  'write',
  'shutdown',
  'close',
  'ioctl',
  'epoll_ctl',
  'malloc',
  'fcntl',
] as const;

const ERRNO_RANGE = 4096;
const ENFILE = 23;
const EMFILE = 24;
const ENOBUFS = 105;
const ENOTCONN = 107;
const ENOMEM = 12;

/** EFAULT of write: bytes that were lent for sending were detached or shrunk before they were sent. */
export const TAKEN_AWAY = -((SYSTEM_CALLS.indexOf('write') + 1) * ERRNO_RANGE + 14);

/** Returns the name of the refused system call. */
export function callOf(refusal: number): string {
  return SYSTEM_CALLS[Math.floor(-refusal / ERRNO_RANGE) - 1] ?? 'unknown';
}

/** An end of a connection, for the error's text. */
export interface ErrorEnd {
  readonly address: string;
  readonly port: number;
}

/**
 * Returns true if the kernel had no memory to send: the connection is sound, and nothing was taken. A refusal
 * of another call does not say so.
 */
export function isStarvation(refusal: number): boolean {
  const errno = -refusal % ERRNO_RANGE;
  return callOf(refusal) === 'write' && (errno === ENOBUFS || errno === ENOMEM);
}

/**
 * Returns true if `shutdown` was refused because the peer has reset the connection. The poll reports the
 * reset, after data that arrived before it.
 */
export function isBehindReset(refusal: number): boolean {
  return callOf(refusal) === 'shutdown' && -refusal % ERRNO_RANGE === ENOTCONN;
}

/** Returns true if the process or the system has no descriptor left. */
export function isOutOfDescriptors(refusal: number): boolean {
  const errno = -refusal % ERRNO_RANGE;
  return errno === EMFILE || errno === ENFILE;
}

/**
 * Returns an error like `connect ECONNREFUSED 127.0.0.1:80`, with Node's properties.
 * @param local the local end, for a `connect` that failed at once: Node's text names it then.
 */
export function systemError(refusal: number, end?: ErrorEnd, local?: ErrorEnd): Error {
  const errno = -refusal % ERRNO_RANGE;
  const syscall = callOf(refusal);
  const code = getSystemErrorName(-errno);
  const where = end === undefined ? '' : ` ${end.address}:${end.port}`;
  const from = local === undefined ? '' : ` - Local (${local.address}:${local.port})`;
  const error = new Error(`${syscall} ${code}${where}${from}`);
  return Object.assign(error, { errno: -errno, code, syscall, ...end });
}
