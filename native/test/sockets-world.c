#include "sockets-world.h"

#include <dirent.h>
#include <poll.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "check.h"

/* A test that waits longer fails. */
#define PATIENCE_MS 10000

static int descriptors_before;

int open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  CHECK(folder != NULL);
  int count = 0;
  while (readdir(folder) != NULL) count++;
  CHECK(closedir(folder) == 0);
  return count;
}

/* Each block has exactly the bytes that it needs, so that ASan finds any access beyond. */
struct world *world_open(void) {
  descriptors_before = open_descriptors();
  struct world *world = calloc(1, sizeof *world);
  CHECK(world != NULL);
  const struct shared shared = {
      .events = malloc(MAX_EVENTS * sizeof *shared.events),
      .ends = malloc((MAX_EVENTS + 1) * sizeof *shared.ends),
      .cursors = calloc(MAX_PAGES, sizeof *shared.cursors),
      .sends = malloc(MAX_SENDS * sizeof *shared.sends),
      .arena = malloc(ARENA_BYTES),
      .path = calloc(1, sizeof *shared.path),
  };
  CHECK(shared.events && shared.ends && shared.cursors && shared.sends && shared.arena && shared.path);
  CHECK(sockets_open(&world->sockets, &shared) == 0);
  for (int i = 0; i < MAX_PAGES; i++) {
    uint8_t *memory = malloc(PAGE_BYTES);
    CHECK(memory != NULL);
    shared.cursors[i] = sockets_set_page(&world->sockets, i, memory, PAGE_BYTES);
    CHECK(shared.cursors[i] >= 0 && ((uintptr_t)&memory[shared.cursors[i]] & (PIECE_ALIGN - 1)) == 0);
  }
  return world;
}

void world_close(struct world *world) {
  sockets_close_all(&world->sockets);
  const struct shared *shared = &world->sockets.shared;
  free(shared->events);
  free(shared->ends);
  free(shared->cursors);
  for (int i = 0; i < MAX_PAGES; i++) free(world->sockets.pages[i].memory);
  free(shared->sends);
  free(shared->arena);
  free(shared->path);
  free(world);
  CHECK(open_descriptors() == descriptors_before);
}

struct seen *seen(struct world *world, int slot) {
  CHECK(slot >= 0 && slot < MAX_SEEN);
  return &world->seen[slot];
}

void forget(struct world *world, int slot) {
  memset(seen(world, slot), 0, sizeof(struct seen));
  seen(world, slot)->is_sound = true;
  seen(world, slot)->last_accepted = -1;
}

uint8_t stream_byte(uint64_t place) { return (uint8_t)(place * 167 + (place >> 8) * 89); }

/* ---- events */

static void read_data(struct world *world, struct seen *of, const struct event *event) {
  CHECK(event->second > 0 && event->second <= READ_BYTES);
  const int page = event->first >> PAGE_SHIFT;
  const int offset = event->first & ((1 << PAGE_SHIFT) - 1);
  CHECK(page >= 0 && page < MAX_PAGES);
  CHECK(offset % PIECE_ALIGN == world->sockets.shared.cursors[page] % PIECE_ALIGN);
  CHECK(offset + event->second <= PAGE_BYTES);
  const uint8_t *bytes = &world->sockets.pages[page].memory[offset];
  for (int32_t i = 0; i < event->second; i++) {
    if (bytes[i] != stream_byte(of->bytes + (uint64_t)i)) of->is_sound = false;
  }
  of->bytes += (uint64_t)event->second;
  of->pieces++;
}

static void read_accepted(struct world *world, struct seen *of, int index, int slot) {
  forget(world, slot);
  struct seen *connection = seen(world, slot);
  connection->is_connected = true;
  connection->ends = world->sockets.shared.ends[index];
  of->accepted++;
  of->last_accepted = slot;
  world->accepts_in_turn++;
}

static void read_event(struct world *world, int index) {
  const struct event *event = &world->sockets.shared.events[index];
  struct seen *of = seen(world, event->slot);
  switch ((enum event_kind)event->kind) {
    case EVENT_CONNECTED:
      of->is_connected = true;
      of->ends = world->sockets.shared.ends[index];
      break;
    case EVENT_FAILED:
      of->failures++;
      of->refusal = event->first;
      break;
    case EVENT_DATA:
      read_data(world, of, event);
      break;
    case EVENT_END:
      CHECK(!of->has_ended);
      of->has_ended = true;
      break;
    case EVENT_ACKED:
      CHECK(event->first > 0);
      of->acked += (uint64_t)event->first;
      break;
    case EVENT_WRITABLE:
      of->writables++;
      break;
    case EVENT_ACCEPTED:
      read_accepted(world, of, index, event->first);
      break;
    case EVENT_ACCEPT_FAILED:
      of->accept_failures++;
      of->refusal = event->first;
      of->is_paused = event->second != 0;
      break;
    case EVENT_STARVED:
      of->starved++;
      break;
    case EVENT_KINDS_END:
    default:
      CHECK(!"an event of a known kind");
  }
}

void turn(struct world *world) {
  struct sockets *sockets = &world->sockets;
  struct pollfd ready = {.fd = sockets->epoll, .events = POLLIN};
  if (!sockets_has_more(sockets)) CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
  sockets->work = 0;
  const int count = sockets_poll(sockets);
  CHECK(count >= 0);
  read_events(world, count);
}

void read_events(struct world *world, int count) {
  CHECK(count <= MAX_EVENTS);
  world->event_count = count;
  world->accepts_in_turn = 0;
  sockets_begin_dispatch(&world->sockets);
  for (int i = 0; i < count; i++) read_event(world, i);
  sockets_end_dispatch(&world->sockets);
}

/* ---- connections */

int listen_here(struct world *world, int receive_buffer, uint16_t *port) {
  const struct listen_request request = {
      .address = "127.0.0.1", .backlog = 4096, .receive_buffer = receive_buffer};
  const int slot = sockets_listen(&world->sockets, &request);
  struct end_text end;
  CHECK(slot >= 0);
  CHECK(sockets_local_end(&world->sockets, slot, &end) == 0);
  *port = end.port;
  forget(world, slot);
  return slot;
}

int connect_here(struct world *world, uint16_t port) {
  const struct connect_request request = {.address = "127.0.0.1", .port = port};
  const int slot = sockets_connect(&world->sockets, &request);
  CHECK(slot >= 0);
  forget(world, slot);
  return slot;
}

struct pair pair_of(struct world *world, int listener, uint16_t port) {
  seen(world, listener)->last_accepted = -1;
  struct pair pair = {.client = connect_here(world, port)};
  UNTIL(world, seen(world, pair.client)->is_connected && seen(world, listener)->last_accepted >= 0);
  pair.server = seen(world, listener)->last_accepted;
  CHECK(seen(world, pair.server)->ends.remote.port == seen(world, pair.client)->ends.local.port);
  return pair;
}

void close_both(struct world *world, struct pair pair) {
  CHECK(sockets_close(&world->sockets, pair.client) == 0);
  CHECK(sockets_close(&world->sockets, pair.server) == 0);
}

int send_stream(struct world *world, int slot, uint64_t from, size_t bytes) {
  uint8_t *buffer = malloc(bytes);
  CHECK(buffer != NULL);
  for (size_t i = 0; i < bytes; i++) buffer[i] = stream_byte(from + i);
  const struct iovec piece = {.iov_base = buffer, .iov_len = bytes};
  const int taken = sockets_send(&world->sockets, slot, &piece, 1);
  free(buffer);
  return taken;
}

/* ---- peers with plain system calls */

int plain_socket(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  return fd;
}

void plain_connect(int fd, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}
