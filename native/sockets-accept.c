/* Accepting: in batches, and without a descriptor or memory left. */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include "refusal.h"
#include "system.h"

/* Out of descriptors: the reserve is given up for a moment to accept a connection and reset it. */
static bool turn_away(struct sockets *sockets, int listener) {
  if (sockets->spare < 0) return false;
  (void)sys_close(sockets->spare);
  sockets->spare = -1;
  const int fd = sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  /* A peer that could not be turned away with a reset is turned away with a FIN. */
  if (fd >= 0) (void)reset_descriptor(fd);
  sockets->spare = sys_open_null();
  return fd >= 0;
}

static void accept_failed(struct sockets *sockets, uint32_t slot, int reason, bool stops) {
  struct event *event = tell(sockets, EVENT_ACCEPT_FAILED, slot);
  event->first = reason;
  event->second = stops ? 1 : 0;
  if (!stops) return;
  sockets->slots[slot].read_bytes = 0;
  /* A listener that is polled all the same fails again, and is told again. */
  (void)watch(sockets, slot);
}

/* Errors of the connection that waited, not of accepting (accept(2)): the next one may be sound. */
static bool concerns_peer(int error) {
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

/* A listener on one address: that of all its connections. On every address each is asked for its own. */
static bool has_one_address(const struct end_text *end) {
  return strcmp(end->address, "0.0.0.0") != 0 && strcmp(end->address, "::") != 0;
}

/*
 * Tells of a new connection. 0, or why there is none. A connection that was reset before anybody could see it
 * has no peer any more (ENOTCONN), and is not told.
 */
static int accepted(struct sockets *sockets, uint32_t listener, int fd, const struct end_text *own) {
  struct ends ends;
  int slot = endpoint_remote(fd, &ends.remote);
  if (slot == 0 && own == NULL) slot = endpoint_local(fd, &ends.local);
  if (slot != 0) (void)reset_descriptor(fd);
  if (slot == refusal(CALL_GETPEERNAME, ENOTCONN)) return 0;
  if (slot == 0) slot = adopt(sockets, fd, ROLE_STREAM);
  if (slot < 0) return slot;
  if (own != NULL) ends.local = *own;
  tell(sockets, EVENT_ACCEPTED, listener)->first = slot;
  *ends_of_last(sockets) = ends;
  return 0;
}

void accept_waiting(struct sockets *sockets, uint32_t slot) {
  const int listener = sockets->slots[slot].fd;
  struct end_text own;
  const bool is_known = endpoint_local(listener, &own) == 0 && has_one_address(&own);
  for (int i = 0; i < MAX_ACCEPTS && has_records(sockets); i++) {
    const int fd = sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = errno;
    sockets->work++;
    if (fd >= 0) {
      const int reason = accepted(sockets, slot, fd, is_known ? &own : NULL);
      if (reason != 0) {
        accept_failed(sockets, slot, reason, true);
        return;
      }
    } else if (error == EAGAIN) {
      /* Somebody took the reserve in the moment in which it was given up. Now nobody waits for one. */
      if (sockets->spare < 0) sockets->spare = sys_open_null();
      return;
    } else if (!concerns_peer(error)) {
      const bool has_none = error == EMFILE || error == ENFILE;
      accept_failed(sockets, slot, refusal(CALL_ACCEPT, error), !has_none || !turn_away(sockets, listener));
      return;
    }
  }
}

int sockets_listen(struct sockets *sockets, const struct listen_request *request) {
  const int fd = endpoint_listen(request);
  return fd < 0 ? fd : adopt(sockets, fd, ROLE_LISTENER);
}

int sockets_resume(struct sockets *sockets, int slot) {
  return sockets_set_reading(sockets, slot, READ_BYTES);
}
