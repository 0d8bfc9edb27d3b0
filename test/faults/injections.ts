/** The errors that each system call can return, and their effect on connections. */
import type { Injection, SystemCall } from './injecting-addon.js';

interface InjectionSet {
  /** Every connection continues: the call is repeated, or its result does not matter. */
  readonly harmless?: readonly Injection[];
  /** A connection may end, with an error. */
  readonly fatal?: readonly Injection[];
}

const SENDING: InjectionSet = {
  harmless: ['EINTR', 'EAGAIN', 'ENOMEM', 'ENOBUFS', 1, 1000],
  fatal: ['EPIPE', 'ECONNRESET', 'EHOSTUNREACH'],
};

/** Without `epoll_create1` and `open_null`, which only run when a stack starts, and the calls of tunnels. */
const INJECTIONS: Partial<Record<SystemCall, InjectionSet>> = {
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
  // ENOTCONN says that the poll will report a reset.
  shutdown: { fatal: ['ENOBUFS'] },
  close: { harmless: ['EINTR', 'EIO'] },
  outq: { harmless: ['EINVAL', 'ENOTCONN'] },
  inq: { harmless: ['EINVAL'] },
  epoll_ctl: { fatal: ['ENOMEM', 'ENOSPC'] },
  epoll_wait: { harmless: ['EINTR', 'EINVAL', 1] },
};

export interface PlannedInjection {
  readonly injection: Injection;
  readonly isHarmless: boolean;
}

export const INJECTIONS_FOR: readonly (readonly [
  call: SystemCall,
  injections: readonly PlannedInjection[],
])[] = Object.entries(INJECTIONS).map(([call, { harmless = [], fatal = [] }]) => [
  call as SystemCall,
  [
    ...harmless.map((injection) => ({ injection, isHarmless: true })),
    ...fatal.map((injection) => ({ injection, isHarmless: false })),
  ],
]);
