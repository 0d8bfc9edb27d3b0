/*
 * What epoll reports, as event records: connections that stand or failed, received bytes, ends. A ready
 * socket reads once, and whoever has more is looked at again when all others were.
 */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include "refusal.h"
#include "system.h"

/* The fault that the kernel keeps for the socket: an errno value, or 0. */
static int pending_fault(int fd) {
  int error = 0;
  socklen_t bytes = sizeof error;
  return sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

/* ---- connecting */

static void on_connecting(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  const int error = pending_fault(socket->fd);
  if (error != 0) {
    tell_failed(sockets, slot, refusal(CALL_CONNECT, error));
    return;
  }
  tell(sockets, EVENT_CONNECTED, slot);
  struct ends *ends = ends_of_last(sockets);
  int result = endpoint_local(socket->fd, &ends->local);
  if (result == 0) result = endpoint_remote(socket->fd, &ends->remote);
  socket->role = ROLE_STREAM;
  if (result == 0) result = watch(sockets, slot);
  if (result == 0) return;
  /* The peer is gone already. */
  sockets->event_count--;
  if (result == refusal(CALL_GETPEERNAME, ENOTCONN)) result = refusal(CALL_CONNECT, ECONNRESET);
  tell_failed(sockets, slot, result);
}

/* ---- receiving */

/* Receives into the buffer, which may be NULL for a socket that discards: dropped bytes are not copied. */
static ssize_t receive(const struct socket *socket, void *buffer, size_t bytes) {
  const int how = socket->discards ? MSG_TRUNC : socket->peeks ? MSG_PEEK : 0;
  ssize_t count = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    count = sys_recv(socket->fd, buffer, bytes, MSG_DONTWAIT | how);
    if (count >= 0 || errno != EINTR) break;
  }
  return count;
}

static void receive_failed(struct sockets *sockets, uint32_t slot, int error) {
  if (error == EAGAIN) return;
  if (error == EINTR) {
    watch_or_fail(sockets, slot);
  } else if (error == ENOMEM || error == ENOBUFS) {
    sockets->slots[slot].read_bytes = 0;
    tell(sockets, EVENT_STARVED, slot);
  } else {
    tell_failed(sockets, slot, refusal(CALL_READ, error));
  }
}

/* Has the next poll look at the socket; where they are too many, epoll tells of it. */
static void look_again(struct sockets *sockets, uint32_t slot, uint32_t events) {
  if (sockets->again_count == MAX_READY) {
    watch_or_fail(sockets, slot);
    return;
  }
  struct epoll_event *again = &sockets->again[sockets->again_count++];
  again->events = events;
  again->data.u64 = name_of(sockets, slot);
}

/* The page that the next piece is received into; NULL: there is no room, or a program has taken it away. */
static struct page *page_with_room(struct sockets *sockets) {
  for (; sockets->page < sockets->page_count; sockets->page++) {
    struct page *page = &sockets->pages[sockets->page];
    if (page->memory == NULL || page->used + LEAST_READ_BYTES > page->bytes) continue;
    if (page->is_checked || sockets->check_page == NULL) return page;
    page->is_checked = true;
    if (sockets->check_page(sockets->check_context, sockets->page)) return page;
    page->memory = NULL;
    sockets->lacks_page = true;
  }
  return NULL;
}

static void begin_pages(struct sockets *sockets) {
  sockets->page = 0;
  sockets->poll_bytes = 0;
  for (int i = 0; i < sockets->page_count; i++) {
    struct page *page = &sockets->pages[i];
    const int32_t cursor = sockets->shared.cursors[i];
    page->used = cursor < 0 || (size_t)cursor > page->bytes ? page->bytes : (size_t)cursor;
    page->is_checked = false;
  }
}

static void tell_data(struct sockets *sockets, uint32_t slot, size_t count) {
  struct page *page = &sockets->pages[sockets->page];
  struct event *event = tell(sockets, EVENT_DATA, slot);
  event->first = (int32_t)((size_t)sockets->page << PAGE_SHIFT | page->used);
  event->second = (int32_t)count;
  const size_t filled = page->used + count - page->begin;
  page->used = page->begin + ((filled + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1));
  sockets->poll_bytes += count;
  if (count >= LARGE_BYTES) sockets->page++;
}

/* `behind`: events that say that behind what is read there may be more, a FIN or a fault. */
static void on_readable(struct sockets *sockets, uint32_t slot, uint32_t behind) {
  struct socket *socket = &sockets->slots[slot];
  const struct page *page = page_with_room(sockets);
  if (page == NULL && !socket->discards) {
    look_again(sockets, slot, behind | EPOLLIN);
    return;
  }
  const size_t room = socket->discards ? READ_BYTES : page->bytes - page->used;
  const size_t wanted = socket->discards ? READ_BYTES : (size_t)socket->read_bytes;
  const size_t bytes = wanted < room ? wanted : room;
  const ssize_t count = receive(socket, socket->discards ? NULL : &page->memory[page->used], bytes);
  if (count < 0) {
    receive_failed(sockets, slot, errno);
    return;
  }
  if (count == 0) {
    socket->has_ended = true;
    tell(sockets, EVENT_END, slot);
    /* A fault behind the FIN is found when there is nothing to read any more. */
    if ((behind & (EPOLLERR | EPOLLHUP)) != 0) look_again(sockets, slot, behind);
    return;
  }
  sockets->work += (int)(count / WORK_BYTES);
  if (!socket->discards) tell_data(sockets, slot, (size_t)count);
  /* Fewer than were asked for are all that there were (epoll(7)), and what comes now is told of. */
  if (behind != 0 || (size_t)count == bytes) look_again(sockets, slot, behind | EPOLLIN);
}

/*
 * The peer's FIN of a socket that is not read: it is told when nothing waits before it. If the count is
 * refused, it is told when the socket is read again.
 */
static void on_unread_end(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  int waiting = 0;
  if (socket->has_ended || sys_inq(socket->fd, &waiting) != 0 || waiting > 0) return;
  socket->has_ended = true;
  tell(sockets, EVENT_END, slot);
}

static void on_stream(struct sockets *sockets, uint32_t slot, uint32_t events) {
  struct socket *socket = &sockets->slots[slot];
  bool has_fault = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if ((events & EPOLLOUT) != 0 && socket->is_full) {
    socket->is_full = false;
    tell(sockets, EVENT_WRITABLE, slot);
  }
  if ((events & EPOLLERR) != 0) {
    /* Stamps of bytes sent while somebody listened come also when nobody does any more. */
    const bool is_stamp = drain_stamps(sockets, slot, (events & EPOLLIN) != 0);
    if (is_stamp && (events & EPOLLHUP) == 0) has_fault = false;
  }
  if (socket->reports_acks || socket->awaits_fin_ack) tell_acked(sockets, slot);
  if (socket->is_over) return;
  const bool reads = (socket->read_bytes > 0 || socket->discards) && !socket->has_ended;
  if (reads && ((events & EPOLLIN) != 0 || has_fault)) {
    /* Reading stops at a byte that the peer marked as urgent (EPOLLPRI). */
    const uint32_t fault = has_fault ? EPOLLERR | EPOLLHUP : 0;
    on_readable(sockets, slot, events & (EPOLLRDHUP | EPOLLPRI | fault));
  } else if (!has_fault) {
    if ((events & EPOLLRDHUP) != 0) on_unread_end(sockets, slot);
  } else {
    const int error = pending_fault(socket->fd);
    if (error != 0) tell_failed(sockets, slot, refusal(CALL_READ, error));
    /* Behind our own FIN the peer's is a hang-up (EPOLLHUP), which is no fault. */
    else if ((events & EPOLLRDHUP) != 0) on_unread_end(sockets, slot);
  }
}

/* ---- the poll */

/* A report that is looked at within another one of the same socket. */
#define NO_EVENTS 0

static void on_ready(struct sockets *sockets, const struct epoll_event *ready) {
  const uint32_t slot = (uint32_t)ready->data.u64;
  const uint32_t generation = (uint32_t)(ready->data.u64 >> 32);
  const struct socket *socket = &sockets->slots[slot];
  if (ready->events == NO_EVENTS || socket->generation != generation) return;
  if (socket->role == ROLE_FREE || socket->is_over) return;
  if (socket->role == ROLE_CONNECTING) on_connecting(sockets, slot);
  else if (socket->role == ROLE_STREAM) on_stream(sockets, slot, ready->events);
  else if (socket->read_bytes > 0) accept_waiting(sockets, slot);
}

static bool is_through(const struct sockets *sockets) { return sockets->ready_next == sockets->ready_count; }

bool sockets_has_more(const struct sockets *sockets) {
  return !is_through(sockets) || sockets->again_count > 0;
}

static bool has_room(struct sockets *sockets) {
  return sockets->work < ENOUGH_WORK && has_records(sockets) && page_with_room(sockets) != NULL;
}

static struct socket *socket_of(const struct sockets *sockets, const struct epoll_event *report) {
  return &sockets->slots[(uint32_t)report->data.u64];
}

/* One report for each socket: whoever has more and is told of anew has its turn where the first one is. */
static void join_reports(struct sockets *sockets, int fresh) {
  for (int i = fresh; i < sockets->ready_count; i++) socket_of(sockets, &sockets->ready[i])->place = i;
  for (int i = 0; i < fresh; i++) {
    struct epoll_event *report = &sockets->ready[i];
    const int place = socket_of(sockets, report)->place;
    if (place < fresh || place >= sockets->ready_count) continue;
    struct epoll_event *other = &sockets->ready[place];
    if (other->data.u64 != report->data.u64) continue;
    other->events |= report->events;
    report->events = NO_EVENTS;
  }
}

/* Those that epoll reports now, and behind them those that had a turn and have more. */
static int find_ready(struct sockets *sockets) {
  const int count = sys_epoll_wait(sockets->epoll, sockets->ready, MAX_READY, 0);
  if (count < 0 && errno != EINTR && sockets->again_count == 0) return refusal(CALL_EPOLL, errno);
  const int fresh = count < 0 ? 0 : count;
  memcpy(&sockets->ready[fresh], sockets->again, (size_t)sockets->again_count * sizeof sockets->again[0]);
  sockets->ready_count = fresh + sockets->again_count;
  sockets->ready_next = 0;
  if (sockets->again_count > 0) join_reports(sockets, fresh);
  sockets->again_count = 0;
  return 0;
}

int sockets_poll(struct sockets *sockets) {
  sockets->event_count = 0;
  const bool is_limited = sockets->queue_size > 0 && sockets->queue_left < MAX_EVENTS;
  sockets->room = is_limited ? sockets->queue_left : MAX_EVENTS;
  begin_pages(sockets);
  sockets->polls++;
  /* What was reported last time and found no room comes first: nobody waits for ever. */
  const int result = is_through(sockets) ? find_ready(sockets) : 0;
  if (result < 0) return result;
  while (!is_through(sockets) && has_room(sockets)) {
    sockets->work++;
    on_ready(sockets, &sockets->ready[sockets->ready_next++]);
  }
  return sockets->event_count;
}
