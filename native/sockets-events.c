/* The event records that a poll fills. */
#include "socket.h"

#include "system.h"

struct event *push_event(struct sockets *sockets, enum event_kind kind, uint32_t slot) {
  struct event *event = &sockets->shared.events[sockets->event_count++];
  event->kind = (int32_t)kind;
  event->slot = (int32_t)slot;
  event->first = 0;
  event->second = 0;
  return event;
}

bool has_event_room(const struct sockets *sockets) {
  return sockets->event_count + MAX_RECORDS_EACH <= sockets->room;
}

struct ends *last_event_ends(struct sockets *sockets) {
  return &sockets->shared.ends[sockets->event_count - 1];
}

void report_failed(struct sockets *sockets, uint32_t slot, int reason) {
  struct socket *socket = &sockets->slots[slot];
  if (socket->phase == PHASE_FAILED) return;
  /* Cannot fail for a descriptor that epoll watches. If it did, closing the descriptor removes it as well. */
  (void)sys_epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
  socket->phase = PHASE_FAILED;
  push_event(sockets, EVENT_FAILED, slot)->first = reason;
}

void watch_or_report(struct sockets *sockets, uint32_t slot) {
  const int result = watch(sockets, slot);
  if (result < 0) report_failed(sockets, slot, result);
}
