/** What can happen to each system call, and whether it may cost anybody the connection. */
import type { Mishap, SystemCall } from './injecting-addon.js';

interface Mishaps {
  /** The connections go on as if nothing had happened: it is tried again, or it did not matter. */
  readonly harmless?: readonly Mishap[];
  /** They may end, each with its error. */
  readonly fatal?: readonly Mishap[];
}

const SENDING: Mishaps = {
  harmless: ['EINTR', 'EAGAIN', 'ENOMEM', 'ENOBUFS', 1, 1000],
  fatal: ['EPIPE', 'ECONNRESET', 'EHOSTUNREACH'],
};

/** What only the beginning of a stack calls is missing: `epoll_create1`, and `open_null` for the reserve. */
const MISHAPS: Partial<Record<SystemCall, Mishaps>> = {
  socket: { fatal: ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EACCES'] },
  bind: { fatal: ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOMEM'] },
  connect: {
    harmless: ['EINTR'],
    fatal: ['ECONNREFUSED', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EAGAIN', 'ENOBUFS', 'EPERM'],
  },
  listen: { fatal: ['EADDRINUSE', 'ENOBUFS'] },
  accept4: {
    harmless: ['EINTR', 'EAGAIN', 'ECONNABORTED', 'EPROTO', 'ENOMEM', 'ENOBUFS', 'EPERM', 'EINVAL'],
    fatal: ['EMFILE', 'ENFILE'],
  },
  getsockname: { fatal: ['ENOBUFS', 'EINVAL'] },
  getpeername: { fatal: ['ENOTCONN', 'ENOBUFS'] },
  getsockopt: { fatal: ['ENOMEM', 'EINVAL'] },
  setsockopt: { fatal: ['ENOMEM', 'EINVAL', 'ENOPROTOOPT'] },
  recv: {
    harmless: ['EINTR', 'EAGAIN', 'ENOMEM', 'ENOBUFS', 1, 1000],
    fatal: ['ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH'],
  },
  recvmsg: { harmless: ['EINTR', 'EAGAIN', 'ENOMEM'] },
  send: SENDING,
  sendmsg: SENDING,
  shutdown: { fatal: ['ENOTCONN', 'ENOBUFS'] },
  close: { harmless: ['EINTR', 'EIO'] },
  outq: { harmless: ['EINVAL', 'ENOTCONN'] },
  inq: { harmless: ['EINVAL'] },
  epoll_ctl: { fatal: ['ENOMEM', 'ENOSPC'] },
  epoll_wait: { harmless: ['EINTR', 'EINVAL', 1] },
};

export interface PossibleMishap {
  readonly mishap: Mishap;
  readonly isHarmless: boolean;
}

export const MISHAPS_OF: readonly (readonly [call: SystemCall, mishaps: readonly PossibleMishap[]])[] =
  Object.entries(MISHAPS).map(([call, { harmless = [], fatal = [] }]) => [
    call as SystemCall,
    [
      ...harmless.map((mishap) => ({ mishap, isHarmless: true })),
      ...fatal.map((mishap) => ({ mishap, isHarmless: false })),
    ],
  ]);
