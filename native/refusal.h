/*
 * A system call that failed, as one negative number: -(call * 4096 + errno). So a function gives JavaScript
 * either what it was asked for, 0 or more, or the reason; src/stacks/kernel/system-error.ts has the names.
 */
#ifndef ASYNCTCP_REFUSAL_H
#define ASYNCTCP_REFUSAL_H

/* In the order of SYSTEM_CALLS in src/stacks/kernel/system-error.ts. */
enum system_call {
  CALL_SOCKET = 1,
  CALL_BIND,
  CALL_CONNECT,
  CALL_LISTEN,
  CALL_ACCEPT,
  CALL_GETSOCKNAME,
  CALL_GETPEERNAME,
  CALL_GETSOCKOPT,
  CALL_SETSOCKOPT,
  CALL_READ,
  CALL_WRITE,
  CALL_SHUTDOWN,
  CALL_CLOSE,
  CALL_IOCTL,
  CALL_EPOLL,
  CALL_MALLOC,
};

static inline int refusal(enum system_call call, int error) { return -((int)call * 4096 + error); }

#endif
