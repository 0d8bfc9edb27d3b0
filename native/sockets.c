#include "sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>

#include "refusal.h"
#include "system.h"

/* Linux 6.2; older headers lack it. Byte offsets count from the first byte, whatever was sent before. */
#define TSTAMP_OPT_ID_TCP (1 << 16)
#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

#define NO_SLOT UINT32_MAX
#define FIRST_SLOTS 64
/* Descriptors are ints, and a process can have fewer of them than that. */
#define MAX_SLOTS (1u << 24)
/* Entries of a socket's error queue that one call takes. */
#define MAX_STAMPS 8
/* A call that is interrupted again and again is left to the next poll. */
#define MAX_INTERRUPTIONS 8

enum role { ROLE_FREE, ROLE_CONNECTING, ROLE_STREAM, ROLE_LISTENER };

struct socket {
  int fd;
  /* Tells the present socket of the slot from former ones, in what epoll reports. */
  uint32_t generation;
  /* What epoll was asked for. */
  uint32_t interest;
  uint32_t next_free;
  /* Bytes that the kernel took, and of those that it was told of as acknowledged. */
  uint64_t taken;
  uint64_t acked;
  int32_t read_bytes;
  /* The flush in which the kernel refused a piece: those behind it wait as well. */
  uint32_t refused_in;
  uint8_t role;
  /* The peer's FIN was read. */
  bool has_ended;
  bool sent_fin;
  bool peeks;
  bool discards;
  bool reports_acks;
  /* The kernel's buffer is full; EPOLLOUT ends that. */
  bool is_full;
  /* A fault was told: epoll does not have it any more. */
  bool is_over;
};

/* ---- slots */

static struct socket *socket_at(struct sockets *sockets, int slot) {
  if (slot < 0 || (uint32_t)slot >= sockets->slot_count) return NULL;
  struct socket *socket = &sockets->slots[slot];
  return socket->role == ROLE_FREE ? NULL : socket;
}

static bool grow_slots(struct sockets *sockets) {
  const uint32_t old = sockets->slot_count;
  const uint32_t count = old == 0 ? FIRST_SLOTS : old * 2;
  if (count > MAX_SLOTS) return false;
  struct socket *slots = realloc(sockets->slots, count * sizeof *slots);
  if (slots == NULL) return false;
  memset(&slots[old], 0, (count - old) * sizeof *slots);
  for (uint32_t i = old; i < count; i++) slots[i].next_free = i + 1 < count ? i + 1 : NO_SLOT;
  sockets->slots = slots;
  sockets->slot_count = count;
  sockets->first_free = old;
  return true;
}

static void free_slot(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  socket->fd = -1;
  socket->role = ROLE_FREE;
  socket->generation++;
  uint32_t *list = sockets->is_inside ? &sockets->first_released : &sockets->first_free;
  socket->next_free = *list;
  *list = slot;
}

static uint32_t wanted_interest(const struct socket *socket) {
  if (socket->role == ROLE_CONNECTING) return EPOLLOUT;
  if (socket->role == ROLE_LISTENER) return socket->read_bytes > 0 ? EPOLLIN : EPOLLET;
  const bool reads = (socket->read_bytes > 0 || socket->discards) && !socket->has_ended;
  /*
   * What nobody reads or acts upon stays ready, and a level-triggered descriptor would say so for ever: a
   * hang-up while reading is stopped, bytes that were only peeked at.
   */
  uint32_t interest = reads ? EPOLLIN : EPOLLET;
  if (socket->peeks && !socket->discards) interest |= EPOLLET;
  return socket->is_full ? interest | EPOLLOUT : interest;
}

/* Asks epoll for what the socket wants. With `anew` also if nothing changed: a past edge comes again. */
static int watch(struct sockets *sockets, uint32_t slot, int operation, bool anew) {
  struct socket *socket = &sockets->slots[slot];
  const uint32_t interest = wanted_interest(socket);
  if (operation == EPOLL_CTL_MOD && (socket->is_over || (interest == socket->interest && !anew))) return 0;
  struct epoll_event event = {
      .events = interest, .data.u64 = (uint64_t)socket->generation << 32 | slot};
  if (sys_epoll_ctl(sockets->epoll, operation, socket->fd, &event) != 0) return refusal(CALL_EPOLL, errno);
  socket->interest = interest;
  return 0;
}

static int reset_descriptor(int fd) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  const int set = sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  const int error = errno;
  /* Linux frees the descriptor whatever close says. */
  (void)sys_close(fd);
  return set == 0 ? 0 : refusal(CALL_SETSOCKOPT, error);
}

/*
 * Takes a descriptor over and gives its slot. A refusal resets it: with a FIN, the peer of an accepted one
 * would see an end like any other.
 */
static int adopt(struct sockets *sockets, int fd, enum role role) {
  if (sockets->first_free == NO_SLOT && !grow_slots(sockets)) {
    (void)reset_descriptor(fd); /* What matters is why it is given up. */
    return refusal(CALL_MALLOC, ENOMEM);
  }
  const uint32_t slot = sockets->first_free;
  struct socket *socket = &sockets->slots[slot];
  sockets->first_free = socket->next_free;
  const uint32_t generation = socket->generation;
  memset(socket, 0, sizeof *socket);
  socket->fd = fd;
  socket->generation = generation;
  socket->role = (uint8_t)role;
  socket->read_bytes = READ_BYTES;
  const int result = watch(sockets, slot, EPOLL_CTL_ADD, false);
  if (result == 0) return (int)slot;
  (void)reset_descriptor(fd);
  free_slot(sockets, slot);
  return result;
}

/* ---- events */

static struct event *tell(struct sockets *sockets, enum event_kind kind, uint32_t slot) {
  struct event *event = &sockets->shared.events[sockets->event_count++];
  event->kind = (int32_t)kind;
  event->slot = (int32_t)slot;
  event->first = 0;
  event->second = 0;
  return event;
}

static struct ends *ends_of_last(struct sockets *sockets) {
  return &sockets->shared.ends[sockets->event_count - 1];
}

/* The socket is done for: it is told once, and not polled any more. JavaScript closes it. */
static void fail(struct sockets *sockets, uint32_t slot, int reason) {
  struct socket *socket = &sockets->slots[slot];
  if (socket->is_over) return;
  /* Cannot fail for a descriptor that epoll has; if it does, closing the descriptor takes it away as well. */
  (void)sys_epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, socket->fd, NULL);
  socket->is_over = true;
  tell(sockets, EVENT_FAILED, slot)->first = reason;
}

/* As `watch` for an event that has to be told if it fails. */
static void watch_or_fail(struct sockets *sockets, uint32_t slot, bool anew) {
  const int result = watch(sockets, slot, EPOLL_CTL_MOD, anew);
  if (result != 0) fail(sockets, slot, result);
}

/* The fault that the kernel keeps for the socket: an errno value, or 0. */
static int pending_fault(int fd) {
  int error = 0;
  socklen_t bytes = sizeof error;
  return sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

/* ---- acknowledgements */

/* How many of the bytes that the kernel took the peer has acknowledged, and nobody was told of. */
static int acked_since(struct socket *socket) {
  if (socket->acked == socket->taken) return 0;
  int outstanding = 0;
  if (sys_outq(socket->fd, &outstanding) != 0) return refusal(CALL_IOCTL, errno);
  /* FIN has a sequence number of its own, and is acknowledged last. */
  if (socket->sent_fin && outstanding > 0) outstanding--;
  const uint64_t acked = socket->taken - (uint64_t)outstanding;
  if (outstanding < 0 || (uint64_t)outstanding > socket->taken || acked <= socket->acked) return 0;
  /* What an integer cannot hold is told the next time. */
  const uint64_t bytes = acked - socket->acked > INT32_MAX ? INT32_MAX : acked - socket->acked;
  socket->acked += bytes;
  return (int)bytes;
}

static void tell_acked(struct sockets *sockets, uint32_t slot) {
  const int bytes = acked_since(&sockets->slots[slot]);
  /* A refusal is no news: the count is asked for again with the next event or by the clock. */
  if (bytes > 0) tell(sockets, EVENT_ACKED, slot)->first = bytes;
}

/* Empties the error queue: its entries say only that something was acknowledged. Whether there were any. */
static bool drain_stamps(int fd, unsigned most) {
  struct mmsghdr messages[MAX_STAMPS];
  memset(messages, 0, most * sizeof messages[0]);
  const int count = sys_recvmmsg(fd, messages, most, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
  return count > 0 || (count < 0 && errno == EINTR);
}

/* ---- what epoll reports */

static void on_connecting(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  const int error = pending_fault(socket->fd);
  if (error != 0) {
    fail(sockets, slot, refusal(CALL_CONNECT, error));
    return;
  }
  tell(sockets, EVENT_CONNECTED, slot);
  struct ends *ends = ends_of_last(sockets);
  int result = endpoint_local(socket->fd, &ends->local);
  if (result == 0) result = endpoint_remote(socket->fd, &ends->remote);
  socket->role = ROLE_STREAM;
  if (result == 0) result = watch(sockets, slot, EPOLL_CTL_MOD, false);
  if (result == 0) return;
  /* The peer is gone already. */
  sockets->event_count--;
  if (result == refusal(CALL_GETPEERNAME, ENOTCONN)) result = refusal(CALL_CONNECT, ECONNRESET);
  fail(sockets, slot, result);
}

static ssize_t receive(const struct socket *socket, void *buffer, size_t bytes) {
  const int flags = MSG_DONTWAIT | (socket->peeks && !socket->discards ? MSG_PEEK : 0);
  ssize_t count = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    count = sys_recv(socket->fd, buffer, bytes, flags);
    if (count >= 0 || errno != EINTR) break;
  }
  return count;
}

static void receive_failed(struct sockets *sockets, uint32_t slot, int error) {
  struct socket *socket = &sockets->slots[slot];
  if (error == EAGAIN || error == EINTR) {
    /* An edge that brought nothing because of interruptions has to come again. */
    if (error == EINTR) watch_or_fail(sockets, slot, true);
  } else if (error == ENOMEM || error == ENOBUFS) {
    socket->read_bytes = 0;
    tell(sockets, EVENT_STARVED, slot);
    watch_or_fail(sockets, slot, false);
  } else {
    fail(sockets, slot, refusal(CALL_READ, error));
  }
}

static void on_readable(struct sockets *sockets, uint32_t slot) {
  struct socket *socket = &sockets->slots[slot];
  /* Pieces begin at multiples of 8. The poll saw to it that READ_BYTES are left. */
  const size_t offset = sockets->page * PAGE_BYTES + sockets->page_used;
  uint8_t *buffer = &sockets->shared.pool[offset];
  const size_t bytes = socket->discards ? READ_BYTES : (size_t)socket->read_bytes;
  const ssize_t count = receive(socket, buffer, bytes);
  if (count < 0) {
    receive_failed(sockets, slot, errno);
  } else if (count == 0) {
    socket->has_ended = true;
    tell(sockets, EVENT_END, slot);
    watch_or_fail(sockets, slot, false);
  } else if (!socket->discards) {
    struct event *event = tell(sockets, EVENT_DATA, slot);
    event->first = (int32_t)offset;
    event->second = (int32_t)count;
    sockets->page_used += ((size_t)count + 7) & ~(size_t)7;
    /*
     * Peeking goes by edges, and reads no further than to a byte that the peer marked as urgent: there may
     * always be more, bytes or a FIN.
     */
    if (socket->peeks) watch_or_fail(sockets, slot, true);
  }
}

static void on_stream(struct sockets *sockets, uint32_t slot, uint32_t events) {
  struct socket *socket = &sockets->slots[slot];
  bool has_fault = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if ((events & EPOLLOUT) != 0 && socket->is_full) {
    socket->is_full = false;
    tell(sockets, EVENT_WRITABLE, slot);
    watch_or_fail(sockets, slot, false);
  }
  if (socket->reports_acks || (events & EPOLLERR) != 0) {
    /*
     * Stamps of bytes sent while somebody listened come also when nobody does any more. With an answer comes
     * one, and looking for a second costs more than the next round.
     */
    const unsigned most = (events & EPOLLIN) != 0 ? 1 : MAX_STAMPS;
    const bool is_stamp = (events & EPOLLERR) != 0 && drain_stamps(socket->fd, most);
    if (is_stamp && (events & EPOLLHUP) == 0) has_fault = false;
    if (socket->reports_acks) tell_acked(sockets, slot);
    /* By edges the queue is told of once: what is left in it has to be told again. */
    if (is_stamp && (socket->interest & EPOLLET) != 0) watch_or_fail(sockets, slot, true);
  }
  if (socket->is_over) return;
  if ((socket->interest & EPOLLIN) != 0 && ((events & EPOLLIN) != 0 || has_fault)) {
    on_readable(sockets, slot);
  } else if (has_fault) {
    const int error = pending_fault(socket->fd);
    if (error != 0) fail(sockets, slot, refusal(CALL_READ, error));
  }
}

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
  (void)watch(sockets, slot, EPOLL_CTL_MOD, false);
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

static void on_listener(struct sockets *sockets, uint32_t slot) {
  const int listener = sockets->slots[slot].fd;
  for (int i = 0; i < MAX_ACCEPTS && sockets->event_count + MAX_RECORDS_EACH <= MAX_EVENTS; i++) {
    struct sockaddr_storage peer;
    memset(&peer, 0, sizeof peer);
    socklen_t bytes = sizeof peer;
    const int fd =
        sys_accept4(listener, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = errno;
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

static void on_ready(struct sockets *sockets, const struct epoll_event *ready) {
  const uint32_t slot = (uint32_t)ready->data.u64;
  const uint32_t generation = (uint32_t)(ready->data.u64 >> 32);
  const struct socket *socket = &sockets->slots[slot];
  if (socket->generation != generation || socket->role == ROLE_FREE || socket->is_over) return;
  /* What was reported before may not be wanted any more. */
  const uint32_t events = ready->events & (socket->interest | EPOLLERR | EPOLLHUP);
  if (socket->role == ROLE_CONNECTING) on_connecting(sockets, slot);
  else if (socket->role == ROLE_STREAM) on_stream(sockets, slot, events);
  else if ((events & EPOLLIN) != 0) on_listener(sockets, slot);
}

bool sockets_has_more(const struct sockets *sockets) { return sockets->ready_next < sockets->ready_count; }

static bool has_room(const struct sockets *sockets) {
  return sockets->event_count + MAX_RECORDS_EACH <= MAX_EVENTS &&
         sockets->page_used + READ_BYTES <= PAGE_BYTES;
}

int sockets_poll(struct sockets *sockets) {
  sockets->event_count = 0;
  sockets->page_used = 0;
  /* What was reported last time and found no room comes first: nobody waits for ever. */
  if (!sockets_has_more(sockets)) {
    const int count = sys_epoll_wait(sockets->epoll, sockets->ready, MAX_READY, 0);
    if (count < 0 && errno != EINTR) return refusal(CALL_EPOLL, errno);
    sockets->ready_count = count < 0 ? 0 : count;
    sockets->ready_next = 0;
  }
  while (sockets_has_more(sockets) && has_room(sockets)) {
    on_ready(sockets, &sockets->ready[sockets->ready_next++]);
  }
  return sockets->event_count;
}

void sockets_enter(struct sockets *sockets) { sockets->is_inside = true; }

void sockets_leave(struct sockets *sockets) {
  sockets->is_inside = false;
  while (sockets->first_released != NO_SLOT) {
    const uint32_t slot = sockets->first_released;
    sockets->first_released = sockets->slots[slot].next_free;
    sockets->slots[slot].next_free = sockets->first_free;
    sockets->first_free = slot;
  }
}

/* ---- sending */

/* What follows from what the kernel took: `count` is what the call returned. */
static int sent(struct sockets *sockets, uint32_t slot, size_t bytes, ssize_t count, int error) {
  struct socket *socket = &sockets->slots[slot];
  if (count < 0 && error != EAGAIN && error != EINTR) return refusal(CALL_WRITE, error);
  const size_t taken = count < 0 ? 0 : (size_t)count;
  socket->taken += taken;
  if (taken < bytes) {
    socket->is_full = true;
    const int result = watch(sockets, slot, EPOLL_CTL_MOD, false);
    if (result != 0) return result;
  }
  return (int)taken;
}

static int send_record(struct sockets *sockets, const struct send *record) {
  struct socket *socket = socket_at(sockets, record->slot);
  if (socket == NULL) return refusal(CALL_WRITE, EBADF);
  if (socket->is_full || socket->refused_in == sockets->flushes) return 0;
  const uint8_t *bytes = &sockets->shared.arena[record->offset];
  ssize_t count = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    count = sys_send(socket->fd, bytes, (size_t)record->bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0 || errno != EINTR) break;
  }
  const int result = sent(sockets, (uint32_t)record->slot, (size_t)record->bytes, count, errno);
  if (result < 0) socket->refused_in = sockets->flushes;
  return result;
}

int sockets_flush(struct sockets *sockets, int count) {
  int troubled = 0;
  /* 0 is no flush. */
  if (++sockets->flushes == 0) sockets->flushes = 1;
  for (int i = 0; i < count; i++) {
    struct send *record = &sockets->shared.sends[i];
    record->result = send_record(sockets, record);
    if (record->result != record->bytes) troubled++;
  }
  return troubled;
}

int sockets_send(struct sockets *sockets, int slot, const struct iovec *pieces, size_t count) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_WRITE, EBADF);
  if (socket->is_full) return 0;
  /* The kernel reads the pieces and writes nothing; msghdr is used for both directions. */
  struct iovec copies[MAX_PIECES];
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    copies[i] = pieces[i];
    bytes += pieces[i].iov_len;
  }
  const struct msghdr message = {.msg_iov = copies, .msg_iovlen = count};
  ssize_t result = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    result = count == 1 ? sys_send(socket->fd, pieces[0].iov_base, bytes, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : sys_sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result >= 0 || errno != EINTR) break;
  }
  return sent(sockets, (uint32_t)slot, bytes, result, errno);
}

/* ---- what JavaScript asks for */

int sockets_connect(struct sockets *sockets, const struct connect_request *request) {
  const int fd = endpoint_connect(request);
  return fd < 0 ? fd : adopt(sockets, fd, ROLE_CONNECTING);
}

int sockets_listen(struct sockets *sockets, const struct listen_request *request) {
  const int fd = endpoint_listen(request);
  return fd < 0 ? fd : adopt(sockets, fd, ROLE_LISTENER);
}

int sockets_use_page(struct sockets *sockets, int page) {
  if (page < 0 || page >= POOL_PAGES) return refusal(CALL_READ, EINVAL);
  sockets->page = (size_t)page;
  return 0;
}

int sockets_set_reading(struct sockets *sockets, int slot, int bytes) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  const bool began = socket->read_bytes == 0 && bytes > 0;
  socket->read_bytes = bytes > READ_BYTES ? READ_BYTES : bytes;
  /* What could be peeked at came with an edge that is past. */
  return watch(sockets, (uint32_t)slot, EPOLL_CTL_MOD, began || socket->peeks);
}

int sockets_resume(struct sockets *sockets, int slot) {
  return sockets_set_reading(sockets, slot, READ_BYTES);
}

int sockets_local_end(struct sockets *sockets, int slot, struct end_text *end) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKNAME, EBADF) : endpoint_local(socket->fd, end);
}

int sockets_set_peeking(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SETSOCKOPT, EBADF);
  int result = endpoint_option(socket->fd, SOL_SOCKET, SO_PEEK_OFF, 0);
  if (result != 0) return result;
  socket->peeks = true;
  result = watch(sockets, (uint32_t)slot, EPOLL_CTL_MOD, true);
  /* It goes on as before: what is told then is not consumed again. */
  if (result != 0) socket->peeks = false;
  return result;
}

int sockets_window(struct sockets *sockets, int slot) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKOPT, EBADF) : endpoint_window(socket->fd);
}

int sockets_consume(struct sockets *sockets, int slot, int bytes) {
  const struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_READ, EBADF);
  int left = bytes;
  for (int i = 0; left > 0 && i < MAX_INTERRUPTIONS; i++) {
    const ssize_t count = sys_recv(socket->fd, NULL, (size_t)left, MSG_TRUNC | MSG_DONTWAIT);
    if (count < 0 && errno != EINTR) return refusal(CALL_READ, errno);
    if (count == 0) break;
    if (count > 0) left -= (int)count;
  }
  return bytes - left;
}

int sockets_discard(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  socket->discards = true;
  return watch(sockets, (uint32_t)slot, EPOLL_CTL_MOD, true);
}

int sockets_report_acks(struct sockets *sockets, int slot, bool on) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SETSOCKOPT, EBADF);
  const int stamps = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
  int result = endpoint_option(socket->fd, SOL_SOCKET, SO_TIMESTAMPING, on ? stamps | TSTAMP_OPT_ID_TCP : 0);
  if (on && result == refusal(CALL_SETSOCKOPT, EINVAL)) {
    result = endpoint_option(socket->fd, SOL_SOCKET, SO_TIMESTAMPING, stamps);
  }
  /* Without stamps the count is still asked for whenever something comes, and by the clock. */
  socket->reports_acks = on;
  return result;
}

int sockets_acked(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_IOCTL, EBADF) : acked_since(socket);
}

int sockets_option(struct sockets *sockets, int slot, int level, int name, int value) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_SETSOCKOPT, EBADF) : endpoint_option(socket->fd, level, name, value);
}

int sockets_keep_alive(struct sockets *sockets, int slot, int idle_s, int interval_s, int probes) {
  const struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SETSOCKOPT, EBADF);
  return endpoint_keep_alive(socket->fd, idle_s, interval_s, probes);
}

int sockets_info(struct sockets *sockets, int slot, int *state, int *mss) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKOPT, EBADF) : endpoint_info(socket->fd, state, mss);
}

int sockets_shutdown(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SHUTDOWN, EBADF);
  if (sys_shutdown(socket->fd, SHUT_WR) != 0) return refusal(CALL_SHUTDOWN, errno);
  socket->sent_fin = true;
  return 0;
}

int sockets_close(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_CLOSE, EBADF);
  const int fd = socket->fd;
  free_slot(sockets, (uint32_t)slot);
  /* The descriptor is free also if it was interrupted (close(2)). */
  return sys_close(fd) == 0 || errno == EINTR ? 0 : refusal(CALL_CLOSE, errno);
}

int sockets_reset(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_CLOSE, EBADF);
  const int fd = socket->fd;
  free_slot(sockets, (uint32_t)slot);
  return reset_descriptor(fd);
}

/* ---- the beginning and the end */

int sockets_open(struct sockets *sockets, const struct shared *shared) {
  memset(sockets, 0, sizeof *sockets);
  sockets->shared = *shared;
  sockets->first_free = NO_SLOT;
  sockets->first_released = NO_SLOT;
  sockets->epoll = sys_epoll_create1(EPOLL_CLOEXEC);
  if (sockets->epoll < 0) return refusal(CALL_EPOLL, errno);
  /* Without a reserve, a listener that is out of descriptors waits for one. */
  sockets->spare = sys_open_null();
  return 0;
}

void sockets_close_all(struct sockets *sockets) {
  for (uint32_t slot = 0; slot < sockets->slot_count; slot++) {
    if (sockets->slots[slot].role != ROLE_FREE) (void)sys_close(sockets->slots[slot].fd);
  }
  free(sockets->slots);
  sockets->slots = NULL;
  sockets->slot_count = 0;
  if (sockets->spare >= 0) (void)sys_close(sockets->spare);
  if (sockets->epoll >= 0) (void)sys_close(sockets->epoll);
  sockets->spare = -1;
  sockets->epoll = -1;
}
