/* The slots of the sockets, and the requests of JavaScript that concern one socket. */
#include "socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "refusal.h"
#include "system.h"

#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

#define FIRST_SLOTS 64
/* More than the descriptors that Linux allows a process by default (fs.nr_open is 2^20). */
#define MAX_SLOTS (1u << 24)

/* ---- slots */

struct socket *socket_at(struct sockets *sockets, int slot) {
  if (slot < 0 || (uint32_t)slot >= sockets->slot_count) return NULL;
  struct socket *socket = &sockets->slots[slot];
  return socket->phase == PHASE_FREE ? NULL : socket;
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
  socket->phase = PHASE_FREE;
  socket->generation++;
  uint32_t *list = sockets->is_dispatching ? &sockets->first_released : &sockets->first_free;
  socket->next_free = *list;
  *list = slot;
}

void sockets_begin_dispatch(struct sockets *sockets) { sockets->is_dispatching = true; }

void sockets_end_dispatch(struct sockets *sockets) {
  sockets->is_dispatching = false;
  while (sockets->first_released != NO_SLOT) {
    const uint32_t slot = sockets->first_released;
    sockets->first_released = sockets->slots[slot].next_free;
    sockets->slots[slot].next_free = sockets->first_free;
    sockets->first_free = slot;
  }
}

/* Returns the events that epoll is asked for. */
static uint32_t wanted_events(const struct socket *socket) {
  const uint32_t writable = socket->is_full || socket->awaits_fin_ack ? EPOLLOUT : 0;
  switch ((enum phase)socket->phase) {
    case PHASE_CONNECTING:
      return EPOLLOUT | EPOLLET;
    case PHASE_STREAM:
      return EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET | writable;
    case PHASE_LISTENING:
      return EPOLLIN;
    case PHASE_PAUSED:
    case PHASE_FAILED:
    case PHASE_FREE:
      break;
  }
  return 0;
}

uint64_t epoll_key(const struct sockets *sockets, uint32_t slot) {
  return (uint64_t)sockets->slots[slot].generation << 32 | slot;
}

static int control(struct sockets *sockets, uint32_t slot, int operation) {
  const struct socket *socket = &sockets->slots[slot];
  struct epoll_event event = {.events = wanted_events(socket), .data.u64 = epoll_key(sockets, slot)};
  if (sys_epoll_ctl(sockets->epoll, operation, socket->fd, &event) == 0) return 0;
  return refusal(CALL_EPOLL, errno);
}

int watch(struct sockets *sockets, uint32_t slot) {
  return sockets->slots[slot].phase == PHASE_FAILED ? 0 : control(sockets, slot, EPOLL_CTL_MOD);
}

int reset_descriptor(int fd) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  const int set = sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  const int error = errno;
  (void)sys_close(fd); /* Linux frees the descriptor even if close fails. */
  return set == 0 ? 0 : refusal(CALL_SETSOCKOPT, error);
}

/* Closes a descriptor that has no slot. A listener's socket may have further descriptors, and stays as it is. */
static void close_homeless(int fd, enum phase phase) {
  if (phase == PHASE_LISTENING) (void)sys_close(fd); /* Linux frees the descriptor even if close fails. */
  else (void)reset_descriptor(fd);
}

int adopt(struct sockets *sockets, int fd, enum phase phase) {
  if (sockets->first_free == NO_SLOT && !grow_slots(sockets)) {
    close_homeless(fd, phase); /* The lack of memory is what is reported. */
    return refusal(CALL_MALLOC, ENOMEM);
  }
  const uint32_t slot = sockets->first_free;
  struct socket *socket = &sockets->slots[slot];
  sockets->first_free = socket->next_free;
  const uint32_t generation = socket->generation;
  memset(socket, 0, sizeof *socket);
  socket->fd = fd;
  socket->generation = generation;
  socket->phase = (uint8_t)phase;
  socket->input = INPUT_TAKEN;
  socket->read_bytes = READ_BYTES;
  const int result = control(sockets, slot, EPOLL_CTL_ADD);
  if (result == 0) return (int)slot;
  close_homeless(fd, phase); /* The refusal of epoll is what is reported. */
  free_slot(sockets, slot);
  return result;
}

/* ---- requests of JavaScript */

int sockets_connect(struct sockets *sockets, const struct connect_request *request) {
  const int fd = endpoint_connect(request);
  return fd < 0 ? fd : adopt(sockets, fd, PHASE_CONNECTING);
}

int sockets_local_end(struct sockets *sockets, int slot, struct end_text *end) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKNAME, EBADF) : endpoint_local(socket->fd, end);
}

int sockets_set_page(struct sockets *sockets, int page, uint8_t *memory, size_t bytes) {
  if (page < 0 || page >= MAX_PAGES || bytes > PAGE_BYTES) return refusal(CALL_READ, EINVAL);
  if (bytes < LEAST_READ_BYTES + PIECE_ALIGN) return refusal(CALL_READ, EINVAL);
  const size_t begin = (size_t)(-(uintptr_t)memory & (PIECE_ALIGN - 1));
  sockets->pages[page] = (struct page){.memory = memory, .bytes = bytes, .begin = begin};
  if (page >= sockets->page_count) sockets->page_count = page + 1;
  return (int)begin;
}

int sockets_set_queue_size(struct sockets *sockets, int events) {
  if (events != 0 && events < MAX_RECORDS_EACH) return refusal(CALL_EPOLL, EINVAL);
  sockets->queue_size = events;
  sockets->queue_left = events;
  return 0;
}

int sockets_set_reading(struct sockets *sockets, int slot, int bytes) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  const bool begins = socket->read_bytes == 0 && bytes > 0;
  socket->read_bytes = bytes > READ_BYTES ? READ_BYTES : bytes;
  /* Bytes that came in the meantime were reported and not read: epoll has to report them again. */
  return begins ? watch(sockets, (uint32_t)slot) : 0;
}

int sockets_set_peeking(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SETSOCKOPT, EBADF);
  const int result = endpoint_option(socket->fd, SOL_SOCKET, SO_PEEK_OFF, 0);
  /* After a refusal bytes are taken as before. */
  if (result == 0 && socket->input == INPUT_TAKEN) socket->input = INPUT_PEEKED;
  return result;
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

int sockets_window(struct sockets *sockets, int slot) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKOPT, EBADF) : endpoint_window(socket->fd);
}

int sockets_discard(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  if (socket->input == INPUT_ENDED) return 0;
  /* Bytes that were not read, or only peeked at, were reported: epoll has to report them again. */
  const bool begins = socket->read_bytes == 0 || socket->input == INPUT_PEEKED;
  socket->input = INPUT_DISCARDED;
  return begins ? watch(sockets, (uint32_t)slot) : 0;
}

int sockets_await_fin_ack(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_EPOLL, EBADF);
  socket->awaits_fin_ack = true;
  return watch(sockets, (uint32_t)slot);
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

int sockets_info(struct sockets *sockets, int slot, struct connection_info *info) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_GETSOCKOPT, EBADF) : endpoint_info(socket->fd, info);
}

int sockets_path(struct sockets *sockets, int slot) {
  const struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL || sockets->shared.path == NULL) return refusal(CALL_GETSOCKOPT, EBADF);
  return endpoint_path(socket->fd, sockets->shared.path);
}

int sockets_waiting(struct sockets *sockets, int slot) {
  const struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_IOCTL, EBADF) : endpoint_waiting(socket->fd);
}

int sockets_shutdown(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SHUTDOWN, EBADF);
  if (sys_shutdown(socket->fd, SHUT_WR) != 0) return refusal(CALL_SHUTDOWN, errno);
  socket->sent_fin = true;
  return 0;
}

/*
 * Takes a listener out of epoll before its descriptor is closed: epoll goes on reporting a socket that has a
 * further descriptor (epoll(7)).
 */
static void stop_watching(struct sockets *sockets, int fd) {
  struct epoll_event unused = {0};
  /* If this fails, epoll has forgotten the socket already. */
  (void)sys_epoll_ctl(sockets->epoll, EPOLL_CTL_DEL, fd, &unused);
}

int sockets_close(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_CLOSE, EBADF);
  const int fd = socket->fd;
  if (socket->phase == PHASE_LISTENING || socket->phase == PHASE_PAUSED) stop_watching(sockets, fd);
  free_slot(sockets, (uint32_t)slot);
  /* Linux frees the descriptor even if the call is interrupted (close(2)). */
  return sys_close(fd) == 0 || errno == EINTR ? 0 : refusal(CALL_CLOSE, errno);
}

int sockets_reset(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_CLOSE, EBADF);
  const int fd = socket->fd;
  free_slot(sockets, (uint32_t)slot);
  return reset_descriptor(fd);
}

int sockets_leave(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_CLOSE, EBADF);
  socket->leaves = true;
  return 0;
}

/* ---- opening and closing */

int sockets_open(struct sockets *sockets, const struct shared *shared) {
  memset(sockets, 0, sizeof *sockets);
  sockets->shared = *shared;
  sockets->first_free = NO_SLOT;
  sockets->first_released = NO_SLOT;
  sockets->epoll = sys_epoll_create1(EPOLL_CLOEXEC);
  if (sockets->epoll < 0) return refusal(CALL_EPOLL_OPEN, errno);
  /* -1 if it fails. Without a reserve, a listener that is out of descriptors is paused. */
  sockets->spare = sys_open_null();
  return 0;
}

void sockets_forget_memory(struct sockets *sockets) {
  memset(&sockets->shared, 0, sizeof sockets->shared);
  sockets->page_count = 0;
}

/* Returns true if the peer would take a part of our stream for the whole, were it to end by a FIN. */
static bool is_unfinished(const struct socket *socket) {
  const bool is_stream = socket->phase == PHASE_STREAM || socket->phase == PHASE_FAILED;
  return is_stream && !socket->sent_fin && !socket->leaves;
}

/* Linux frees the descriptors even if close fails. */
void sockets_close_all(struct sockets *sockets) {
  for (uint32_t slot = 0; slot < sockets->slot_count; slot++) {
    const struct socket *socket = &sockets->slots[slot];
    if (is_unfinished(socket)) (void)reset_descriptor(socket->fd);
    else if (socket->phase != PHASE_FREE) (void)sys_close(socket->fd);
  }
  free(sockets->slots);
  sockets->slots = NULL;
  sockets->slot_count = 0;
  sockets->first_free = NO_SLOT;
  sockets->first_released = NO_SLOT;
  if (sockets->spare >= 0) (void)sys_close(sockets->spare);
  if (sockets->epoll >= 0) (void)sys_close(sockets->epoll);
  sockets->spare = -1;
  sockets->epoll = -1;
}
