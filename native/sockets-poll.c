/*
 * Turns the reports of epoll into event records: connections that were made or failed, received bytes,
 * ends. A ready socket is read once in a poll. If it has more, its next turn comes after that of all other
 * ready sockets.
 */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include "refusal.h"
#include "system.h"

/*
 * Takes the error that the kernel keeps for the socket. Returns it as a refusal of `call`, or 0 if there is
 * none.
 */
static int take_error(int fd, enum system_call call) {
  int error = 0;
  socklen_t bytes = sizeof error;
  if (sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) error = errno;
  return error == 0 ? 0 : refusal(call, error);
}

/* ---- connecting */

static void on_connecting(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  int result = take_error(socket->fd, CALL_CONNECT);
  if (result < 0) {
    report_failed(sockets, slot, result);
    return;
  }
  push_event(sockets, EVENT_CONNECTED, slot);
  struct ends *ends = last_event_ends(sockets);
  result = endpoint_local(socket->fd, &ends->local);
  if (result == 0) result = endpoint_remote(socket->fd, &ends->remote);
  socket->phase = PHASE_STREAM;
  if (result == 0) result = watch(sockets, slot);
  if (result == 0) return;
  /* The event is withdrawn: the connection was reset in the meantime, or cannot be watched. */
  sockets->event_count--;
  if (result == refusal(CALL_GETPEERNAME, ENOTCONN)) result = refusal(CALL_CONNECT, ECONNRESET);
  report_failed(sockets, slot, result);
}

/* ---- receiving */

/* Receives into the buffer. It may be NULL for a socket that discards: the kernel then copies nothing. */
static ssize_t receive(const struct socket *socket, void *buffer, size_t bytes) {
  const int how = socket->input == INPUT_DISCARDED ? MSG_TRUNC : socket->input == INPUT_PEEKED ? MSG_PEEK : 0;
  ssize_t count = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    count = sys_recv(socket->fd, buffer, bytes, MSG_DONTWAIT | how);
    if (count >= 0 || errno != EINTR) break;
  }
  return count;
}

static void on_receive_error(struct sockets *sockets, uint32_t slot, int error) {
  if (error == EAGAIN) return;
  if (error == EINTR) {
    watch_or_report(sockets, slot);
  } else if (error == ENOMEM || error == ENOBUFS) {
    sockets->slots[slot].read_bytes = 0;
    push_event(sockets, EVENT_STARVED, slot);
  } else {
    report_failed(sockets, slot, refusal(CALL_READ, error));
  }
}

/* Has the next poll handle the socket again. If too many sockets wait for that already, epoll reports it. */
static void handle_again(struct sockets *sockets, uint32_t slot, uint32_t events) {
  if (sockets->again_count == MAX_READY) {
    watch_or_report(sockets, slot);
    return;
  }
  struct epoll_event *again = &sockets->again[sockets->again_count++];
  again->events = events;
  again->data.u64 = epoll_key(sockets, slot);
}

/*
 * Returns the page that the next piece is received into. NULL: none has room, or a program has detached it.
 */
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

static void report_data(struct sockets *sockets, uint32_t slot, size_t count) {
  struct page *page = &sockets->pages[sockets->page];
  struct event *event = push_event(sockets, EVENT_DATA, slot);
  event->first = (int32_t)((size_t)sockets->page << PAGE_SHIFT | page->used);
  event->second = (int32_t)count;
  const size_t filled = page->used + count - page->begin;
  page->used = page->begin + ((filled + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1));
  sockets->poll_bytes += count;
  if (count >= LARGE_BYTES) sockets->page++;
}

static void report_end(struct sockets *sockets, uint32_t slot) {
  sockets->slots[slot].input = INPUT_ENDED;
  push_event(sockets, EVENT_END, slot);
}

/*
 * Reads once. `behind` has the events which say that there may be more behind the bytes that are read: a
 * FIN or an error.
 */
static void on_readable(struct sockets *sockets, uint32_t slot, uint32_t behind) {
  struct socket *socket = &sockets->slots[slot];
  const bool discards = socket->input == INPUT_DISCARDED;
  const struct page *page = page_with_room(sockets);
  if (page == NULL && !discards) {
    handle_again(sockets, slot, behind | EPOLLIN);
    return;
  }
  const size_t room = discards ? READ_BYTES : page->bytes - page->used;
  const size_t wanted = discards ? READ_BYTES : (size_t)socket->read_bytes;
  const size_t bytes = wanted < room ? wanted : room;
  const ssize_t count = receive(socket, discards ? NULL : &page->memory[page->used], bytes);
  if (count < 0) {
    on_receive_error(sockets, slot, errno);
    return;
  }
  if (count == 0) {
    report_end(sockets, slot);
    /* An error behind the FIN is found in the next poll, when there is nothing left to read. */
    if ((behind & (EPOLLERR | EPOLLHUP)) != 0) handle_again(sockets, slot, behind);
    return;
  }
  sockets->work += (int)(count / WORK_BYTES);
  if (!discards) report_data(sockets, slot, (size_t)count);
  /*
   * If fewer bytes came than were wanted, there are no others, and epoll reports those that follow
   * (epoll(7)).
   */
  if (behind != 0 || (size_t)count == bytes) handle_again(sockets, slot, behind | EPOLLIN);
}

/*
 * Reports the peer's FIN on a socket that is not read, if no bytes wait before it. If their number is
 * refused, the FIN is reported when the socket is read again.
 */
static void on_unread_end(struct sockets *sockets, uint32_t slot) {
  const struct socket *socket = &sockets->slots[slot];
  int waiting = 0;
  if (socket->input == INPUT_ENDED || sys_inq(socket->fd, &waiting) != 0 || waiting > 0) return;
  report_end(sockets, slot);
}

static bool is_read(const struct socket *socket) {
  if (socket->input == INPUT_ENDED) return false;
  return socket->read_bytes > 0 || socket->input == INPUT_DISCARDED;
}

static void on_stream(struct sockets *sockets, uint32_t slot, uint32_t events) {
  struct socket *socket = &sockets->slots[slot];
  bool has_error = (events & (EPOLLERR | EPOLLHUP)) != 0;
  /* A connection that is reset is writable as well. A write would hide the reason of its end. */
  if ((events & EPOLLOUT) != 0 && (events & EPOLLHUP) == 0 && socket->is_full) {
    socket->is_full = false;
    push_event(sockets, EVENT_WRITABLE, slot);
  }
  if ((events & EPOLLERR) != 0) {
    /* Timestamps of bytes that were sent earlier also come after EVENT_ACKED was switched off. */
    const bool is_stamp = drain_timestamps(sockets, slot, (events & EPOLLIN) != 0);
    if (is_stamp && (events & EPOLLHUP) == 0) has_error = false;
  }
  if (socket->reports_acks || socket->awaits_fin_ack) report_acked(sockets, slot);
  if (socket->phase == PHASE_FAILED) return;
  if (is_read(socket) && ((events & EPOLLIN) != 0 || has_error)) {
    /* A read stops at a byte that the peer marked as urgent (EPOLLPRI). */
    const uint32_t error_events = has_error ? EPOLLERR | EPOLLHUP : 0;
    on_readable(sockets, slot, events & (EPOLLRDHUP | EPOLLPRI | error_events));
  } else if (!has_error) {
    if ((events & EPOLLRDHUP) != 0) on_unread_end(sockets, slot);
  } else {
    const int error = take_error(socket->fd, CALL_READ);
    /* Linux says EPIPE of a reset behind the peer's FIN. */
    if (error == refusal(CALL_READ, EPIPE)) on_unread_end(sockets, slot);
    if (error < 0) report_failed(sockets, slot, error);
    /* After our own FIN, the peer's FIN is reported as EPOLLHUP, which is no error. */
    else if ((events & EPOLLRDHUP) != 0) on_unread_end(sockets, slot);
  }
}

/* ---- the poll */

/* The events of a report that was joined with another one of the same socket. */
#define NO_EVENTS 0

static void on_ready(struct sockets *sockets, const struct epoll_event *ready) {
  const uint32_t slot = (uint32_t)ready->data.u64;
  const uint32_t generation = (uint32_t)(ready->data.u64 >> 32);
  const struct socket *socket = &sockets->slots[slot];
  if (ready->events == NO_EVENTS || socket->generation != generation) return;
  if (socket->phase == PHASE_STREAM) on_stream(sockets, slot, ready->events);
  else if (socket->phase == PHASE_CONNECTING) on_connecting(sockets, slot);
  else if (socket->phase == PHASE_LISTENING) accept_connections(sockets, slot);
}

static bool is_ready_handled(const struct sockets *sockets) {
  return sockets->ready_next == sockets->ready_count;
}

bool sockets_has_more(const struct sockets *sockets) {
  return !is_ready_handled(sockets) || sockets->again_count > 0;
}

static bool has_room(struct sockets *sockets) {
  return sockets->work < ENOUGH_WORK && has_event_room(sockets) && page_with_room(sockets) != NULL;
}

static struct socket *socket_of(const struct sockets *sockets, const struct epoll_event *report) {
  return &sockets->slots[(uint32_t)report->data.u64];
}

/*
 * Leaves one report of each socket. If a socket had more and is reported anew, its new report, one of the
 * first `fresh`, is joined into the former one, whose turn is later.
 */
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

/* Collects the reports of epoll, and behind them the sockets that had a turn and have more. */
static int find_ready(struct sockets *sockets) {
  const int count = sys_epoll_wait(sockets->epoll, sockets->ready, MAX_READY, 0);
  /* With sockets that have more, the poll goes on without new reports. */
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
  /* Reports for which the last poll had no room come first, so that every socket has its turn. */
  const int result = is_ready_handled(sockets) ? find_ready(sockets) : 0;
  if (result < 0) return result;
  while (!is_ready_handled(sockets) && has_room(sockets)) {
    sockets->work++;
    on_ready(sockets, &sockets->ready[sockets->ready_next++]);
  }
  return sockets->event_count;
}
