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

/* Tells of a new connection. 0, or why there is none. */
static int accepted(struct sockets *sockets, uint32_t listener, int fd, const struct sockaddr_storage *peer) {
  struct end_text local;
  int slot = endpoint_local(fd, &local);
  if (slot != 0) (void)reset_descriptor(fd);
  else slot = adopt(sockets, fd, ROLE_STREAM);
  if (slot < 0) return slot;
  tell(sockets, EVENT_ACCEPTED, listener)->first = slot;
  struct ends *ends = ends_of_last(sockets);
  ends->local = local;
  end_of(peer, &ends->remote);
  return 0;
}

void accept_waiting(struct sockets *sockets, uint32_t slot) {
  const int listener = sockets->slots[slot].fd;
  for (int i = 0; i < MAX_ACCEPTS && has_records(sockets); i++) {
    struct sockaddr_storage peer;
    memset(&peer, 0, sizeof peer);
    socklen_t bytes = sizeof peer;
    const int fd =
        sys_accept4(listener, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = errno;
    sockets->work++;
    if (fd >= 0) {
      const int reason = accepted(sockets, slot, fd, &peer);
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
