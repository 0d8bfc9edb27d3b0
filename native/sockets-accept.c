/* Accepting: in batches, and when no descriptor or memory is left. */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include "refusal.h"
#include "system.h"

/*
 * Rejects a connection when there is no descriptor left: gives up the reserve for a moment to accept the
 * connection and reset it. Returns true if a connection was rejected.
 */
static bool reject_connection(struct sockets *sockets, int listener) {
  if (sockets->spare < 0) return false;
  (void)sys_close(sockets->spare); /* Linux frees the descriptor even if close fails. */
  sockets->spare = -1;
  const int fd = sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  /* If the reset is refused, the peer is rejected by a FIN. */
  if (fd >= 0) (void)reset_descriptor(fd);
  sockets->spare = sys_open_null();
  return fd >= 0;
}

static void report_accept_failed(struct sockets *sockets, uint32_t slot, int reason, bool pauses) {
  struct event *event = push_event(sockets, EVENT_ACCEPT_FAILED, slot);
  event->first = reason;
  event->second = pauses ? 1 : 0;
  if (!pauses) return;
  sockets->slots[slot].phase = PHASE_PAUSED;
  /* If this fails, epoll goes on reporting the listener, and polls ignore it until it is resumed. */
  (void)watch(sockets, slot);
}

/*
 * Returns true for an error of the connection that waited, not of accepting (accept(2)): the next may
 * succeed.
 */
static bool is_peer_error(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EPERM:
      return true;
    default:
      return false;
  }
}

/* Returns true if all connections of a listener on this address have it as their local address. */
static bool is_specific(const struct end_text *end) {
  return strcmp(end->address, "0.0.0.0") != 0 && strcmp(end->address, "::") != 0;
}

/*
 * Reports a new connection. A connection that was reset in the meantime has no peer any more (ENOTCONN): it
 * is closed without a report. `own` is the connection's own end, or NULL if the kernel has to be asked.
 */
static int report_accepted(
    struct sockets *sockets, uint32_t listener, int fd, const struct end_text *own) {
  struct ends ends;
  int slot = endpoint_remote(fd, &ends.remote);
  if (slot == 0 && own == NULL) slot = endpoint_local(fd, &ends.local);
  if (slot < 0) (void)reset_descriptor(fd); /* `slot` has the reason that is reported. */
  if (slot == refusal(CALL_GETPEERNAME, ENOTCONN)) return 0;
  if (slot == 0) slot = adopt(sockets, fd, PHASE_STREAM);
  if (slot < 0) return slot;
  if (own != NULL) ends.local = *own;
  push_event(sockets, EVENT_ACCEPTED, listener)->first = slot;
  *last_event_ends(sockets) = ends;
  return 0;
}

void accept_connections(struct sockets *sockets, uint32_t slot) {
  const int listener = sockets->slots[slot].fd;
  struct end_text own;
  const bool is_known = endpoint_local(listener, &own) == 0 && is_specific(&own);
  for (int i = 0; i < MAX_ACCEPTS && has_event_room(sockets); i++) {
    const int fd = sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = errno;
    sockets->work++;
    if (fd >= 0) {
      const int result = report_accepted(sockets, slot, fd, is_known ? &own : NULL);
      if (result < 0) {
        report_accept_failed(sockets, slot, result, true);
        return;
      }
    } else if (error == EAGAIN) {
      /* Another thread took the reserve while it was given up. No connection waits now: open it again. */
      if (sockets->spare < 0) sockets->spare = sys_open_null();
      return;
    } else if (!is_peer_error(error)) {
      const bool is_out = error == EMFILE || error == ENFILE;
      const bool pauses = !is_out || !reject_connection(sockets, listener);
      report_accept_failed(sockets, slot, refusal(CALL_ACCEPT, error), pauses);
      return;
    }
  }
}

int sockets_listen(struct sockets *sockets, const struct listen_request *request) {
  const int fd = endpoint_listen(request);
  return fd < 0 ? fd : adopt(sockets, fd, PHASE_LISTENING);
}

int sockets_listen_also(struct sockets *sockets, int fd) { return adopt(sockets, fd, PHASE_LISTENING); }

int sockets_duplicate(struct sockets *sockets, int slot) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_FCNTL, EBADF) : endpoint_duplicate(socket->fd);
}

int sockets_resume(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  if (socket->phase != PHASE_PAUSED) return 0;
  socket->phase = PHASE_LISTENING;
  const int result = watch(sockets, (uint32_t)slot);
  /* A listener that epoll does not report stays paused, so that the next attempt watches it. */
  if (result < 0) socket->phase = PHASE_PAUSED;
  return result;
}
