/* Telling: the event records that a poll fills. */
#include "socket.h"

#include "system.h"

struct event *tell(struct sockets *sockets, enum event_kind kind, uint32_t slot) {
  struct event *event = &sockets->shared.events[sockets->event_count++];
  event->kind = (int32_t)kind;
  event->slot = (int32_t)slot;
  event->first = 0;
  event->second = 0;
  return event;
}

bool has_records(const struct sockets *sockets) {
  return sockets->event_count + MAX_RECORDS_EACH <= sockets->room;
}

struct ends *ends_of_last(struct sockets *sockets) {
  return &sockets->shared.ends[sockets->event_count - 1];
}

void tell_failed(struct sockets *sockets, uint32_t slot, int reason) {
  struct socket *socket = &sockets->slots[slot];
  if (socket->is_over) return;
  /* Cannot fail for a descriptor that epoll has; if it does, closing the descriptor takes it away as well. */
  (void)sys_epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
  socket->is_over = true;
  tell(sockets, EVENT_FAILED, slot)->first = reason;
}

void watch_or_fail(struct sockets *sockets, uint32_t slot) {
  const int result = watch(sockets, slot);
  if (result != 0) tell_failed(sockets, slot, result);
}
