/*
 * The one convention in native/ for a system call that failed.
 *
 * A function that can fail returns an int. 0 or more is its result: 0, a descriptor, a slot, a number of
 * bytes. Less than 0 is a refusal: -(call * ERRNO_RANGE + errno). A result that an int cannot hold, or that
 * may be negative, goes through a pointer.
 *
 * JavaScript gets the refusals of sockets as numbers, because an exception for each would cost too much:
 * src/stacks/kernel/system-error.ts makes an Error of one when a program needs it. All other refusals are
 * thrown (`throw_refusal` in napi-call.h).
 *
 * Functions that only call Node-API return its napi_status instead. Functions that leave a JavaScript
 * exception pending return NULL or false (napi-call.h).
 */
#ifndef ASYNCTCP_REFUSAL_H
#define ASYNCTCP_REFUSAL_H

/* Linux has no errno value above 4095. */
#define ERRNO_RANGE 4096

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
  CALL_FCNTL,
  /*
   * Refusals of the calls up to here reach JavaScript as numbers, so system-error.ts has these calls as
   * well.
   */
  LAST_SHARED_CALL = CALL_FCNTL,
  /* The creation of the epoll descriptor, and of all that watches it. */
  CALL_EPOLL_OPEN,
  CALL_OPEN,
  CALL_PRCTL,
  CALL_SCHED_GETAFFINITY,
  CALL_SCHED_SETAFFINITY,
  CALL_GETPRIORITY,
  CALL_SETPRIORITY,
  CALL_PTHREAD_GETATTR_NP,
  CALL_PTHREAD_ATTR_GETSTACK,
  CALL_PTHREAD_ATTR_DESTROY,
  CALL_SYSCONF,
  CALL_MADVISE,
  CALL_MINCORE,
  CALL_COUNT,
};

static inline int refusal(enum system_call call, int error) { return -((int)call * ERRNO_RANGE + error); }

static inline enum system_call refusal_call(int refusal) {
  return (enum system_call)(-refusal / ERRNO_RANGE);
}

static inline int refusal_errno(int refusal) { return -refusal % ERRNO_RANGE; }

/* Returns the call's name, as the `syscall` of an Error has it. */
const char *call_name(enum system_call call);

#endif
