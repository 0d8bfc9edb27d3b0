#include "faults.h"

#include <errno.h>
#include <string.h>

#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "system.h"

#define MAX_RULES 16
/* More than the descriptors of any test. */
#define MAX_WATCHES 1024

enum call {
  SOCKET,
  BIND,
  CONNECT,
  LISTEN,
  ACCEPT4,
  GETSOCKNAME,
  GETPEERNAME,
  GETSOCKOPT,
  SETSOCKOPT,
  RECV,
  RECVMSG,
  SEND,
  SENDMSG,
  SHUTDOWN,
  CLOSE,
  OUTQ,
  INQ,
  EPOLL_CREATE1,
  EPOLL_CTL,
  EPOLL_WAIT,
  OPEN_NULL,
  DUPLICATE,
  OPEN_TUNNEL,
  SET_TUNNEL,
  INTERFACE,
  READ_PACKET,
  WRITE_PACKET,
  CALLS,
};

static const char *const NAMES[CALLS] = {
    "socket",     "bind",       "connect", "listen",        "accept4",   "getsockname", "getpeername",
    "getsockopt", "setsockopt", "recv",    "recvmsg",      "send",      "sendmsg",     "shutdown",
    "close",      "outq",       "inq",     "epoll_create1", "epoll_ctl", "epoll_wait", "open_null",
    "duplicate",  "open_tunnel", "set_tunnel", "interface",  "read_packet", "write_packet",
};

struct rule {
  enum call call;
  struct fault fault;
};

static struct rule rules[MAX_RULES];
static size_t rule_count;
static uint32_t counts[CALLS];

static int index_of(const char *call) {
  for (int i = 0; i < CALLS; i++) {
    if (strcmp(NAMES[i], call) == 0) return i;
  }
  return -1;
}

bool faults_set(const char *call, struct fault fault) {
  const int index = index_of(call);
  if (index < 0 || rule_count == MAX_RULES) return false;
  rules[rule_count++] = (struct rule){(enum call)index, fault};
  return true;
}

void faults_clear(void) {
  rule_count = 0;
  memset(counts, 0, sizeof counts);
}

int64_t faults_calls(const char *call) {
  const int index = index_of(call);
  return index < 0 ? -1 : (int64_t)counts[index];
}

const char *faults_name(size_t index) { return index < CALLS ? NAMES[index] : NULL; }

/* ---- the rules, applied to a call */

static const struct fault NONE = {.bytes = SIZE_MAX};

/* Counts the call, and returns the fault that it has. */
static const struct fault *next_fault(enum call call) {
  const uint32_t count = ++counts[call];
  for (size_t i = 0; i < rule_count; i++) {
    const struct fault *fault = &rules[i].fault;
    if (rules[i].call == call && count >= fault->nth && count - fault->nth < fault->times) return fault;
  }
  return &NONE;
}

/* Returns true if the call fails, and sets `errno`. */
static bool fails(enum call call) {
  const struct fault *fault = next_fault(call);
  if (fault->error != 0) errno = fault->error;
  return fault->error != 0;
}

static size_t least(size_t bytes, const struct fault *fault) {
  return fault->error == 0 && fault->bytes < bytes ? fault->bytes : bytes;
}

/* ---- the calls */

int sys_socket(int family, int type, int protocol) {
  return fails(SOCKET) ? -1 : socket(family, type, protocol);
}

int sys_bind(int fd, const struct sockaddr *address, socklen_t bytes) {
  return fails(BIND) ? -1 : bind(fd, address, bytes);
}

int sys_connect(int fd, const struct sockaddr *address, socklen_t bytes) {
  const struct fault *fault = next_fault(CONNECT);
  /* An interrupted connect continues by itself. */
  if (fault->error == EINTR) (void)connect(fd, address, bytes);
  if (fault->error == 0) return connect(fd, address, bytes);
  errno = fault->error;
  return -1;
}

int sys_listen(int fd, int backlog) { return fails(LISTEN) ? -1 : listen(fd, backlog); }

int sys_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags) {
  return fails(ACCEPT4) ? -1 : accept4(fd, address, bytes, flags);
}

int sys_getsockname(int fd, struct sockaddr *address, socklen_t *bytes) {
  return fails(GETSOCKNAME) ? -1 : getsockname(fd, address, bytes);
}

int sys_getpeername(int fd, struct sockaddr *address, socklen_t *bytes) {
  return fails(GETPEERNAME) ? -1 : getpeername(fd, address, bytes);
}

int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes) {
  const struct fault *fault = next_fault(GETSOCKOPT);
  errno = fault->error;
  if (fault->error != 0) return -1;
  /* As an older kernel, whose struct has fewer fields. */
  *bytes = (socklen_t)least(*bytes, fault);
  return getsockopt(fd, level, name, value, bytes);
}

int sys_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes) {
  return fails(SETSOCKOPT) ? -1 : setsockopt(fd, level, name, value, bytes);
}

/*
 * The last request to epoll for each descriptor. Streams are edge-triggered: bytes that a call left
 * although they were there must be reported as if they had come just after it.
 */
struct watched {
  int epoll;
  struct epoll_event event;
};

static struct watched watches[MAX_WATCHES];

/* Has epoll report the descriptor again. Fails for one that epoll does not watch, which needs no report. */
static void rearm(int fd) {
  if (fd < MAX_WATCHES) (void)epoll_ctl(watches[fd].epoll, EPOLL_CTL_MOD, fd, &watches[fd].event);
}

ssize_t sys_recv(int fd, void *buffer, size_t bytes, int flags) {
  /* Dropping bytes that were peeked at needs no memory: on Linux it cannot fail. */
  if ((flags & MSG_TRUNC) != 0) return recv(fd, buffer, bytes, flags);
  const struct fault *fault = next_fault(RECV);
  if (fault->error == EAGAIN || least(bytes, fault) < bytes) rearm(fd);
  if (fault->error == 0) return recv(fd, buffer, least(bytes, fault), flags);
  errno = fault->error;
  return -1;
}

ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags) {
  if (!fails(RECVMSG)) return recvmsg(fd, message, flags);
  return -1;
}

ssize_t sys_send(int fd, const void *buffer, size_t bytes, int flags) {
  const struct fault *fault = next_fault(SEND);
  if (fault->error == 0) return send(fd, buffer, least(bytes, fault), flags);
  errno = fault->error;
  return -1;
}

ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags) {
  const struct fault *fault = next_fault(SENDMSG);
  if (fault->error != 0) {
    errno = fault->error;
    return -1;
  }
  const struct iovec *first = message->msg_iov;
  if (fault->bytes == SIZE_MAX || message->msg_iovlen == 0) return sendmsg(fd, message, flags);
  return send(fd, first->iov_base, least(first->iov_len, fault), flags);
}

int sys_shutdown(int fd, int how) { return fails(SHUTDOWN) ? -1 : shutdown(fd, how); }

int sys_close(int fd) {
  const struct fault *fault = next_fault(CLOSE);
  /* Linux frees the descriptor, whatever close returns. */
  const int result = close(fd);
  if (fault->error == 0) return result;
  errno = fault->error;
  return -1;
}

int sys_outq(int fd, int *bytes) { return fails(OUTQ) ? -1 : ioctl(fd, SIOCOUTQ, bytes); }

int sys_inq(int fd, int *bytes) { return fails(INQ) ? -1 : ioctl(fd, SIOCINQ, bytes); }

int sys_epoll_create1(int flags) { return fails(EPOLL_CREATE1) ? -1 : epoll_create1(flags); }

int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  if (fails(EPOLL_CTL)) return -1;
  if (event != NULL && fd < MAX_WATCHES) watches[fd] = (struct watched){epoll, *event};
  return epoll_ctl(epoll, operation, fd, event);
}

int sys_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout) {
  const struct fault *fault = next_fault(EPOLL_WAIT);
  if (fault->error == 0) return epoll_wait(epoll, events, (int)least((size_t)count, fault), timeout);
  errno = fault->error;
  return -1;
}

int sys_open_null(void) { return fails(OPEN_NULL) ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC); }

int sys_duplicate(int fd) { return fails(DUPLICATE) ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0); }

int sys_open_tunnel(void) {
  return fails(OPEN_TUNNEL) ? -1 : open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

int sys_set_tunnel(int fd, struct ifreq *request) {
  return fails(SET_TUNNEL) ? -1 : ioctl(fd, TUNSETIFF, request);
}

int sys_interface(int fd, unsigned long question, struct ifreq *answer) {
  return fails(INTERFACE) ? -1 : (int)syscall(SYS_ioctl, fd, question, answer);
}

ssize_t sys_read_packet(int fd, void *buffer, size_t bytes) {
  return fails(READ_PACKET) ? -1 : read(fd, buffer, bytes);
}

ssize_t sys_write_packet(int fd, const void *buffer, size_t bytes) {
  return fails(WRITE_PACKET) ? -1 : write(fd, buffer, bytes);
}
