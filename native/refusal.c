#include "refusal.h"

static const char *const CALL_NAMES[] = {
    [0] = "unknown",
    [CALL_SOCKET] = "socket",
    [CALL_BIND] = "bind",
    [CALL_CONNECT] = "connect",
    [CALL_LISTEN] = "listen",
    [CALL_ACCEPT] = "accept",
    [CALL_GETSOCKNAME] = "getsockname",
    [CALL_GETPEERNAME] = "getpeername",
    [CALL_GETSOCKOPT] = "getsockopt",
    [CALL_SETSOCKOPT] = "setsockopt",
    [CALL_READ] = "read",
    [CALL_WRITE] = "write",
    [CALL_SHUTDOWN] = "shutdown",
    [CALL_CLOSE] = "close",
    [CALL_IOCTL] = "ioctl",
    [CALL_EPOLL] = "epoll_ctl",
    [CALL_MALLOC] = "malloc",
    [CALL_FCNTL] = "fcntl",
    [CALL_EPOLL_OPEN] = "epoll",
    [CALL_OPEN] = "open",
    [CALL_PRCTL] = "prctl",
    [CALL_SCHED_GETAFFINITY] = "sched_getaffinity",
    [CALL_SCHED_SETAFFINITY] = "sched_setaffinity",
    [CALL_GETPRIORITY] = "getpriority",
    [CALL_SETPRIORITY] = "setpriority",
    [CALL_PTHREAD_GETATTR_NP] = "pthread_getattr_np",
    [CALL_PTHREAD_ATTR_GETSTACK] = "pthread_attr_getstack",
    [CALL_PTHREAD_ATTR_DESTROY] = "pthread_attr_destroy",
    [CALL_SYSCONF] = "sysconf",
    [CALL_MADVISE] = "madvise",
    [CALL_MINCORE] = "mincore",
};

_Static_assert(sizeof CALL_NAMES / sizeof CALL_NAMES[0] == CALL_COUNT, "every call has a name");

const char *call_name(enum system_call call) { return CALL_NAMES[call < CALL_COUNT ? call : 0]; }
