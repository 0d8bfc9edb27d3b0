/*
 * Tests of the sockets as a program without Node, over the loopback. scripts/test-native.mjs runs it under
 * sanitizers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "../refusal.h"
#include "../socket.h"
#include "check.h"
#include "sockets-world.h"

#define KIB 1024u
/* Tries for an event that the machine may delay some times, but not every time. */
#define MANY_TRIES 1000

/* ---- peers with plain system calls */

static int raw_connection(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  return fd;
}

static void raw_connect(int fd, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
}

/* ---- data */

static void test_echo(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct seen *client = seen(world, pair.client);
  CHECK(strcmp(client->ends.remote.address, "127.0.0.1") == 0 && client->ends.remote.port == port);
  struct connection_info info = {0};
  CHECK(sockets_info(&world->sockets, pair.client, &info) == 0 && info.state == 1 && info.mss > 500);
  uint64_t sent = 0;
  for (int round = 0; round < 100; round++) {
    CHECK(send_stream(world, pair.client, sent, 10) == 10);
    CHECK(send_stream(world, pair.server, sent, 10) == 10);
    sent += 10;
    UNTIL(world, client->bytes == sent && seen(world, pair.server)->bytes == sent);
  }
  CHECK(client->is_sound && seen(world, pair.server)->is_sound);
  close_both(world, pair);
  world_close(world);
}

/* Sends MAX_SENDS records from the arena at once. */
static void test_flush(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct shared *shared = &world->sockets.shared;
  const int32_t bytes = ARENA_BYTES / MAX_SENDS;
  for (int32_t i = 0; i < ARENA_BYTES; i++) shared->arena[i] = stream_byte((uint64_t)i);
  uint64_t sent = 0;
  for (int32_t i = 0; i < MAX_SENDS; i++) {
    shared->sends[i] = (struct send){.slot = pair.client, .offset = i * bytes, .bytes = bytes};
  }
  /* The last records name slots without a socket. */
  shared->sends[MAX_SENDS - 2].slot = -1;
  shared->sends[MAX_SENDS - 1].slot = 1000000;
  const int short_count = sockets_flush(&world->sockets, MAX_SENDS);
  CHECK(shared->sends[MAX_SENDS - 2].result == refusal(CALL_WRITE, EBADF));
  CHECK(shared->sends[MAX_SENDS - 1].result == refusal(CALL_WRITE, EBADF));
  /* Nothing behind a piece that was cut is sent: that would change the order of the stream. */
  int short_ones = 2;
  bool is_full = false;
  for (int32_t i = 0; i < MAX_SENDS - 2; i++) {
    CHECK(!is_full || shared->sends[i].result == 0);
    if (shared->sends[i].result != bytes) short_ones++;
    is_full = is_full || shared->sends[i].result != bytes;
    sent += (uint64_t)shared->sends[i].result;
  }
  CHECK(short_count == short_ones);
  UNTIL(world, seen(world, pair.server)->bytes == sent);
  CHECK(seen(world, pair.server)->is_sound);
  close_both(world, pair);
  world_close(world);
}

/* A record that points beyond the arena sends nothing, and does not affect other records. */
static void test_flush_out_of_bounds(void) {
  static const struct send wrong[] = {
      {.offset = -1, .bytes = 1},
      {.offset = 0, .bytes = 0},
      {.offset = 0, .bytes = -1},
      {.offset = 0, .bytes = ARENA_BYTES + 1},
      {.offset = 1, .bytes = ARENA_BYTES},
      {.offset = ARENA_BYTES, .bytes = 1},
      {.offset = INT32_MAX, .bytes = INT32_MAX},
      {.offset = INT32_MIN, .bytes = INT32_MIN},
  };
  enum { WRONG = sizeof wrong / sizeof wrong[0] };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct shared *shared = &world->sockets.shared;
  for (int i = 0; i < WRONG; i++) {
    shared->sends[i] = wrong[i];
    shared->sends[i].slot = pair.client;
  }
  /* The last byte of the arena is inside. */
  shared->arena[ARENA_BYTES - 1] = stream_byte(0);
  shared->sends[WRONG] = (struct send){.slot = pair.client, .offset = ARENA_BYTES - 1, .bytes = 1};
  CHECK(sockets_flush(&world->sockets, WRONG + 1) == WRONG);
  for (int i = 0; i < WRONG; i++) CHECK(shared->sends[i].result == refusal(CALL_WRITE, EINVAL));
  CHECK(shared->sends[WRONG].result == 1);
  UNTIL(world, seen(world, pair.server)->bytes == 1);
  CHECK(seen(world, pair.server)->is_sound);
  close_both(world, pair);
  world_close(world);
}

/* Sends until the kernel accepts no more, and again after EVENT_WRITABLE. */
static void test_back_pressure(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct seen *server = seen(world, pair.server);
  const struct seen *client = seen(world, pair.client);
  const uint64_t goal = 32u * KIB * KIB;
  CHECK(sockets_set_reading(&world->sockets, pair.server, 0) == 0);
  uint64_t sent = 0;
  int shorts = 0;
  int writables = 0;
  while (sent < goal) {
    const int taken = send_stream(world, pair.client, sent, 256 * KIB);
    CHECK(taken >= 0);
    sent += (uint64_t)taken;
    if (taken == (int)(256 * KIB)) continue;
    shorts++;
    CHECK(sockets_set_reading(&world->sockets, pair.server, READ_BYTES) == 0);
    UNTIL(world, client->writables > writables);
    writables = client->writables;
  }
  CHECK(shorts > 0);
  UNTIL(world, server->bytes == sent);
  CHECK(server->is_sound);
  close_both(world, pair);
  world_close(world);
}

/* ---- acknowledgements */

/* The FIN is part of the kernel's count of outstanding bytes, and must not be reported as a byte. */
static void acknowledge(bool by_events) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 64 * KIB, &port);
  const struct pair pair = pair_of(world, listener, port);
  struct sockets *sockets = &world->sockets;
  const struct seen *client = seen(world, pair.client);
  if (by_events) CHECK(sockets_report_acks(sockets, pair.client, true) == 0);
  CHECK(sockets_set_reading(sockets, pair.server, 0) == 0);
  const int sent = send_stream(world, pair.client, 0, 512 * KIB);
  CHECK(sent > (int)(128 * KIB));
  CHECK(sockets_shutdown(sockets, pair.client) == 0);
  uint64_t asked = (uint64_t)sockets_acked(sockets, pair.client);
  CHECK(asked < (uint64_t)sent);
  CHECK(sockets_set_reading(sockets, pair.server, 1000) == 0);
  while (!seen(world, pair.server)->has_ended) {
    turn(world);
    const int bytes = by_events ? 0 : sockets_acked(sockets, pair.client);
    CHECK(bytes >= 0);
    asked += (uint64_t)bytes;
    CHECK(asked + client->acked <= (uint64_t)sent);
  }
  /* The last acknowledgement may be delayed. */
  for (int tries = 0; asked + client->acked < (uint64_t)sent; tries++) {
    CHECK(tries < 1000);
    if (by_events) turn(world);
    else CHECK(poll(NULL, 0, 1) == 0);
    const int bytes = by_events ? 0 : sockets_acked(sockets, pair.client);
    CHECK(bytes >= 0);
    asked += (uint64_t)bytes;
  }
  CHECK(asked + client->acked == (uint64_t)sent);
  CHECK(seen(world, pair.server)->is_sound && seen(world, pair.server)->bytes == (uint64_t)sent);
  CHECK(sockets_acked(sockets, pair.client) == 0);
  close_both(world, pair);
  world_close(world);
}

static void test_acks_by_events(void) { acknowledge(true); }
static void test_acks_asked_for(void) { acknowledge(false); }

/* ---- withholding */

/*
 * Bytes that are not consumed keep the window closed. No byte comes twice or is lost, and neither does the
 * FIN.
 */
static void test_peeking(void) {
  if (!endpoint_can_peek()) {
    printf("skipped: this Linux cannot peek byte by byte\n");
    return;
  }
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 64 * KIB, &port);
  const struct pair pair = pair_of(world, listener, port);
  struct sockets *sockets = &world->sockets;
  const struct seen *server = seen(world, pair.server);
  CHECK(sockets_set_peeking(sockets, pair.server) == 0);
  const uint64_t goal = 3u * KIB * KIB;
  uint64_t sent = 0;
  uint64_t consumed = 0;
  int writables = 0;
  bool is_full = false;
  while (!server->has_ended) {
    if (is_full && seen(world, pair.client)->writables > writables) is_full = false;
    while (sent < goal && !is_full) {
      const uint64_t left = goal - sent;
      const size_t bytes = left < 256 * KIB ? (size_t)left : 256 * KIB;
      const int taken = send_stream(world, pair.client, sent, bytes);
      CHECK(taken >= 0);
      sent += (uint64_t)taken;
      is_full = (size_t)taken < bytes;
      writables = seen(world, pair.client)->writables;
      if (sent == goal) CHECK(sockets_shutdown(sockets, pair.client) == 0);
    }
    turn(world);
    /* Consumes in two steps, the second one when nothing else comes. */
    const int all = (int)(server->bytes - consumed);
    struct pollfd ready = {.fd = sockets->epoll, .events = POLLIN};
    const bool is_quiet = !sockets_has_more(sockets) && poll(&ready, 1, 0) == 0;
    const int some = is_quiet && !server->has_ended ? all : all / 2;
    CHECK(sockets_consume(sockets, pair.server, some) == some);
    consumed += (uint64_t)some;
  }
  CHECK(server->bytes == goal && server->is_sound);
  /* A request for more than there is consumes what there is. */
  const int rest = (int)(goal - consumed);
  CHECK(sockets_consume(sockets, pair.server, rest + 1) == rest);
  close_both(world, pair);
  world_close(world);
}

static void test_peeking_closes_the_window(void) {
  if (!endpoint_can_peek()) return;
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 64 * KIB, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct seen *server = seen(world, pair.server);
  CHECK(sockets_set_peeking(&world->sockets, pair.server) == 0);
  const int sent = send_stream(world, pair.client, 0, 1024 * KIB);
  CHECK(sent > 0);
  /* The kernel's buffer limits the bytes that are read, although reading continues. */
  struct pollfd ready = {.fd = world->sockets.epoll, .events = POLLIN};
  while (sockets_has_more(&world->sockets) || poll(&ready, 1, 300) == 1) turn(world);
  CHECK(server->bytes > 32 * KIB && server->bytes <= 128 * KIB && server->is_sound);
  const int held = (int)server->bytes;
  CHECK(sockets_consume(&world->sockets, pair.server, held) == held);
  UNTIL(world, server->bytes > (uint64_t)held);
  CHECK(server->is_sound);
  close_both(world, pair);
  world_close(world);
}

static void test_discarding(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  struct sockets *sockets = &world->sockets;
  const struct seen *server = seen(world, pair.server);
  CHECK(sockets_set_reading(sockets, pair.server, 0) == 0);
  CHECK(sockets_discard(sockets, pair.server) == 0);
  uint64_t sent = 0;
  for (int i = 0; i < 64; i++) {
    const int writables = seen(world, pair.client)->writables;
    const int taken = send_stream(world, pair.client, sent, 256 * KIB);
    CHECK(taken >= 0);
    sent += (uint64_t)taken;
    if (taken < (int)(256 * KIB)) UNTIL(world, seen(world, pair.client)->writables > writables);
  }
  CHECK(sockets_shutdown(sockets, pair.client) == 0);
  UNTIL(world, server->has_ended);
  CHECK(server->bytes == 0 && sent > 1024 * KIB);
  close_both(world, pair);
  world_close(world);
}

/* The peer marks bytes as urgent. As in lwIP, they are bytes like any other, in their place. */
static void receive_urgent(bool peeking) {
  enum { MARKS = 3 };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const int peer = raw_connection();
  raw_connect(peer, port);
  UNTIL(world, seen(world, listener)->accepted == 1);
  const int slot = seen(world, listener)->last_accepted;
  const struct seen *server = seen(world, slot);
  if (peeking) CHECK(sockets_set_peeking(&world->sockets, slot) == 0);
  uint8_t stream[1000];
  for (size_t i = 0; i < sizeof stream; i++) stream[i] = stream_byte(i);
  size_t sent = 0;
  for (int mark = 0; mark < MARKS; mark++) {
    CHECK(send(peer, &stream[sent], 100, 0) == 100);
    CHECK(send(peer, &stream[sent + 100], 50, MSG_OOB) == 50);
    CHECK(send(peer, &stream[sent + 150], 100, 0) == 100);
    sent += 250;
    UNTIL(world, server->bytes >= sent);
  }
  CHECK(server->bytes == sent && server->is_sound);
  if (peeking) CHECK(sockets_consume(&world->sockets, slot, (int)sent) == (int)sent);
  CHECK(send(peer, &stream[sent], 100, 0) == 100);
  UNTIL(world, server->bytes == sent + 100);
  CHECK(server->is_sound);
  CHECK(close(peer) == 0);
  world_close(world);
}

static void test_urgent(void) { receive_urgent(false); }
static void test_urgent_peeked_at(void) {
  if (endpoint_can_peek()) receive_urgent(true);
}

/* ---- ends */

static void test_reset(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  CHECK(sockets_reset(&world->sockets, pair.client) == 0);
  const struct seen *server = seen(world, pair.server);
  UNTIL(world, server->failures > 0);
  CHECK(server->failures == 1 && server->refusal == refusal(CALL_READ, ECONNRESET));
  /* The reset is reported once, and the descriptor is not ready any more. */
  struct pollfd ready = {.fd = world->sockets.epoll, .events = POLLIN};
  CHECK(poll(&ready, 1, 0) == 0);
  CHECK(sockets_close(&world->sockets, pair.server) == 0);
  world_close(world);
}

/* Bytes, a FIN and a reset arrive before anything is read. */
static void test_reset_behind_a_fin(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  for (size_t bytes = 0; bytes <= 100; bytes += 100) {
    const struct pair pair = pair_of(world, listener, port);
    const struct seen *server = seen(world, pair.server);
    CHECK(bytes == 0 || send_stream(world, pair.client, 0, bytes) == (int)bytes);
    CHECK(sockets_shutdown(&world->sockets, pair.client) == 0);
    CHECK(sockets_reset(&world->sockets, pair.client) == 0);
    UNTIL(world, server->failures > 0);
    CHECK(server->failures == 1 && server->bytes == bytes);
    CHECK(sockets_close(&world->sockets, pair.server) == 0);
  }
  world_close(world);
}

static void test_refused(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  CHECK(sockets_close(&world->sockets, listener) == 0);
  const int client = connect_here(world, port);
  UNTIL(world, seen(world, client)->failures > 0);
  CHECK(seen(world, client)->refusal == refusal(CALL_CONNECT, ECONNREFUSED));
  CHECK(sockets_close(&world->sockets, client) == 0);
  world_close(world);
}

static void test_slot_without_socket(void) {
  struct world *world = world_open();
  struct sockets *sockets = &world->sockets;
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  CHECK(sockets_close(sockets, listener) == 0);
  const int slots[] = {listener, -1, 63, 64, 1 << 30};
  struct end_text end;
  struct connection_info info = {0};
  for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
    const int slot = slots[i];
    CHECK(sockets_resume(sockets, slot) == refusal(CALL_EPOLL, EBADF));
    CHECK(sockets_local_end(sockets, slot, &end) == refusal(CALL_GETSOCKNAME, EBADF));
    CHECK(send_stream(world, slot, 0, 1) == refusal(CALL_WRITE, EBADF));
    CHECK(sockets_set_reading(sockets, slot, 1) == refusal(CALL_EPOLL, EBADF));
    CHECK(sockets_set_peeking(sockets, slot) == refusal(CALL_SETSOCKOPT, EBADF));
    CHECK(sockets_consume(sockets, slot, 1) == refusal(CALL_READ, EBADF));
    CHECK(sockets_discard(sockets, slot) == refusal(CALL_EPOLL, EBADF));
    CHECK(sockets_report_acks(sockets, slot, true) == refusal(CALL_SETSOCKOPT, EBADF));
    CHECK(sockets_acked(sockets, slot) == refusal(CALL_IOCTL, EBADF));
    CHECK(sockets_option(sockets, slot, 0, 0, 0) == refusal(CALL_SETSOCKOPT, EBADF));
    CHECK(sockets_keep_alive(sockets, slot, 1, 1, 1) == refusal(CALL_SETSOCKOPT, EBADF));
    CHECK(sockets_info(sockets, slot, &info) == refusal(CALL_GETSOCKOPT, EBADF));
    CHECK(sockets_shutdown(sockets, slot) == refusal(CALL_SHUTDOWN, EBADF));
    CHECK(sockets_close(sockets, slot) == refusal(CALL_CLOSE, EBADF));
    CHECK(sockets_reset(sockets, slot) == refusal(CALL_CLOSE, EBADF));
  }
  world_close(world);
}

/* ---- slots */

static void test_slots_are_used_again_after_the_events(void) {
  struct world *world = world_open();
  struct sockets *sockets = &world->sockets;
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  sockets_begin_dispatch(sockets);
  close_both(world, pair);
  const int inside = connect_here(world, port);
  CHECK(inside != pair.client && inside != pair.server);
  sockets_end_dispatch(sockets);
  const int first = connect_here(world, port);
  const int second = connect_here(world, port);
  CHECK(first == pair.client || first == pair.server);
  CHECK(second == pair.client || second == pair.server);
  world_close(world);
}

/* Reports of a socket that was closed before they were handled do not reach the next socket of the slot. */
static void test_stale_events(void) {
  enum { PAIRS = MAX_PAGES + 4 };
  struct world *world = world_open();
  struct sockets *sockets = &world->sockets;
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  struct pair pairs[PAIRS];
  for (int i = 0; i < PAIRS; i++) pairs[i] = pair_of(world, listener, port);
  for (int i = 0; i < PAIRS; i++) {
    /* Of large pieces a poll receives one into each page. */
    CHECK(send_stream(world, pairs[i].client, 0, LARGE_BYTES) == LARGE_BYTES);
  }
  turn(world);
  CHECK(sockets->ready_next < sockets->ready_count);
  int unread[PAIRS];
  int count = 0;
  for (int i = 0; i < PAIRS; i++) {
    if (seen(world, pairs[i].server)->bytes == 0) unread[count++] = pairs[i].server;
  }
  CHECK(count > 0);
  for (int i = 0; i < count; i++) CHECK(sockets_close(sockets, unread[i]) == 0);
  int fresh[PAIRS];
  for (int i = 0; i < count; i++) {
    fresh[i] = connect_here(world, port);
    bool is_used_again = false;
    for (int other = 0; other < count; other++) is_used_again = is_used_again || fresh[i] == unread[other];
    CHECK(is_used_again);
  }
  /* Handles the old reports, until epoll is asked again. */
  while (sockets->ready_next < sockets->ready_count) {
    turn(world);
    for (int i = 0; i < count; i++) {
      const struct seen *of = seen(world, fresh[i]);
      CHECK(of->failures == 0 && of->bytes == 0 && !of->is_connected);
    }
  }
  for (int i = 0; i < count; i++) UNTIL(world, seen(world, fresh[i])->is_connected);
  world_close(world);
}

/* ---- many */

static int affordable_pairs(int wanted) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t room = (limit.rlim_cur - 64) / 2;
  return room < (rlim_t)wanted ? (int)room : wanted;
}

/* Connects in bursts that fit the backlog, and checks that no poll accepts more than its batch. */
static void connect_many(struct world *world, int listener, uint16_t port, int *clients, int count) {
  const int before = seen(world, listener)->accepted;
  for (int done = 0; done < count;) {
    for (int i = 0; i < 200 && done < count; i++) clients[done++] = connect_here(world, port);
    while (seen(world, listener)->accepted - before < done) {
      turn(world);
      CHECK(world->accepts_in_turn <= MAX_ACCEPTS);
    }
  }
  for (int i = 0; i < count; i++) UNTIL(world, seen(world, clients[i])->is_connected);
}

static void test_thousands(void) {
  enum { WANTED = 5000 };
  static int clients[WANTED];
  const int count = affordable_pairs(WANTED);
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  connect_many(world, listener, port, clients, count);
  for (int i = 0; i < count; i++) CHECK(send_stream(world, clients[i], 0, 5) == 5);
  int served = 0;
  while (served < count) {
    turn(world);
    served = 0;
    for (int slot = 0; slot < 2 * count + 1; slot++) served += seen(world, slot)->bytes == 5 ? 1 : 0;
  }
  /* Half of the connections end, and others take their slots. */
  for (int i = 0; i < count; i += 2) CHECK(sockets_reset(&world->sockets, clients[i]) == 0);
  int reset = 0;
  while (reset < (count + 1) / 2) {
    turn(world);
    reset = 0;
    for (int slot = 0; slot < 2 * count + 1; slot++) {
      struct seen *of = seen(world, slot);
      if (of->failures == 0) continue;
      CHECK(of->failures == 1);
      reset++;
    }
  }
  for (int slot = 0; slot < 2 * count + 1; slot++) {
    if (seen(world, slot)->failures > 0) CHECK(sockets_close(&world->sockets, slot) == 0);
  }
  connect_many(world, listener, port, clients, (count + 1) / 2);
  world_close(world);
}

/* Even if more is always ready than a poll has records or pages for, every socket has its turn. */
static void test_fairness(void) {
  enum { PAIRS = 600, ROUNDS = 200 };
  static int clients[PAIRS];
  static int pieces[2 * PAIRS + 1];
  if (affordable_pairs(PAIRS) < PAIRS) {
    printf("skipped: too few descriptors\n");
    return;
  }
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  connect_many(world, listener, port, clients, PAIRS);
  for (int i = 0; i < PAIRS; i++) CHECK(sockets_report_acks(&world->sockets, clients[i], true) == 0);
  int fullest = 0;
  for (int round = 0; round < ROUNDS; round++) {
    /* Some connections send much, and must not starve the others. */
    for (int i = 0; i < PAIRS; i++) {
      const size_t bytes = i % 300 == 0 ? 96 * KIB : 8;
      CHECK(send_stream(world, clients[i], 0, bytes) >= 0);
    }
    turn(world);
    if (world->event_count > fullest) fullest = world->event_count;
  }
  CHECK(fullest > MAX_READY / 2);
  int served = 0;
  int most = 0;
  for (int slot = 0; slot <= 2 * PAIRS; slot++) {
    pieces[slot] = seen(world, slot)->pieces;
    served += pieces[slot] > 0 ? 1 : 0;
    most = pieces[slot] > most ? pieces[slot] : most;
  }
  CHECK(served == PAIRS);
  CHECK(most < ROUNDS);
  world_close(world);
}

/* This includes a socket that has more from the last poll and is reported anew. */
static void test_one_piece_in_a_poll(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  const struct seen *server = seen(world, pair.server);
  uint64_t sent = 0;
  for (int pieces = 1; pieces <= 20; pieces++) {
    for (int i = 0; i < 2; i++) {
      const int taken = send_stream(world, pair.client, sent, READ_BYTES);
      CHECK(taken > 0);
      sent += (uint64_t)taken;
    }
    turn(world);
    CHECK(server->pieces == pieces);
  }
  UNTIL(world, server->bytes == sent);
  CHECK(server->is_sound);
  close_both(world, pair);
  world_close(world);
}

/* ---- wake-ups */

/* What a wake-up dispatched, and what is sent back during the dispatch. */
struct dispatched {
  struct world *world;
  int count;
  /* Number of event records. */
  int events;
  /* Bytes by which both ends answer every piece; 0 for no answer. */
  size_t answer;
};

static bool dispatch_world(void *context, int count) {
  struct dispatched *dispatched = context;
  dispatched->count++;
  dispatched->events += count;
  read_events(dispatched->world, count);
  for (int i = 0; dispatched->answer > 0 && i < count; i++) {
    const struct event *event = &dispatched->world->sockets.shared.events[i];
    if (event->kind == EVENT_DATA) {
      CHECK(send_stream(dispatched->world, event->slot, 0, dispatched->answer) == (int)dispatched->answer);
    }
  }
  return true;
}

/* Continues if there is more, and otherwise waits until something is ready. */
static bool wake_up(struct dispatched *dispatched) {
  struct pollfd ready = {.fd = dispatched->world->sockets.epoll, .events = POLLIN};
  if (!sockets_has_more(&dispatched->world->sockets)) CHECK(poll(&ready, 1, 10000) == 1);
  dispatched->count = 0;
  dispatched->events = 0;
  return sockets_wake_up(&dispatched->world->sockets, dispatch_world, dispatched);
}

/* ---- pages */

/* A `page_checker` that reports every page as detached. */
static bool is_gone(void *context, int page) {
  bool *checked = context;
  checked[page] = true;
  return false;
}

static bool count_calls(void *context, int count) {
  struct dispatched *dispatched = context;
  if (count < 0) dispatched->events++;
  else dispatched->count += count;
  return true;
}

/* Detached memory is not written, and JavaScript is asked once for another page. */
static void test_pages_that_are_gone(void) {
  struct world *world = world_open();
  struct sockets *sockets = &world->sockets;
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  bool checked[MAX_PAGES] = {false};
  uint8_t *memory[MAX_PAGES];
  for (int i = 0; i < MAX_PAGES; i++) {
    memory[i] = sockets->pages[i].memory;
    memset(memory[i], 0xaa, PAGE_BYTES);
  }
  sockets->check_page = is_gone;
  sockets->check_context = checked;
  CHECK(send_stream(world, pair.client, 0, 100) == 100);
  struct dispatched dispatched = {.world = world};
  while (dispatched.events == 0) (void)sockets_wake_up(sockets, count_calls, &dispatched);
  CHECK(dispatched.events == 1 && dispatched.count == 0);
  for (int i = 0; i < MAX_PAGES; i++) {
    CHECK(checked[i] && sockets->pages[i].memory == NULL);
    for (int at = 0; at < PAGE_BYTES; at++) CHECK(memory[i][at] == 0xaa);
  }
  /* The bytes stay in the kernel until there is another page. */
  CHECK(sockets_has_more(sockets));
  sockets->check_page = NULL;
  for (int i = 0; i < MAX_PAGES; i++) {
    sockets->shared.cursors[i] = sockets_set_page(sockets, i, memory[i], PAGE_BYTES);
  }
  while (seen(world, pair.server)->bytes < 100) {
    const int count = sockets_poll(sockets);
    CHECK(count >= 0);
    read_events(world, count);
  }
  CHECK(seen(world, pair.server)->is_sound);
  close_both(world, pair);
  world_close(world);
}

static void test_page_bounds(void) {
  struct world *world = world_open();
  struct sockets *sockets = &world->sockets;
  uint8_t *memory = sockets->pages[0].memory;
  CHECK(sockets_set_page(sockets, -1, memory, PAGE_BYTES) < 0);
  CHECK(sockets_set_page(sockets, MAX_PAGES, memory, PAGE_BYTES) < 0);
  CHECK(sockets_set_page(sockets, 0, memory, PAGE_BYTES + 1) < 0);
  CHECK(sockets_set_page(sockets, 0, memory, LEAST_READ_BYTES + PIECE_ALIGN - 1) < 0);
  CHECK(sockets_set_page(sockets, 0, memory, LEAST_READ_BYTES + PIECE_ALIGN) >= 0);
  world_close(world);
}

static void test_bound_by_rounds(void) {
  enum { PAIRS = 4 };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  int clients[PAIRS];
  connect_many(world, listener, port, clients, PAIRS);
  struct dispatched dispatched = {.world = world, .answer = 1};
  for (int i = 0; i < PAIRS; i++) CHECK(send_stream(world, clients[i], 0, 1) == 1);
  /* Both ends answer each other for ever. */
  for (int tries = 0; dispatched.count < MAX_ROUNDS; tries++) {
    CHECK(tries < MANY_TRIES);
    (void)wake_up(&dispatched);
    CHECK(dispatched.count <= MAX_ROUNDS);
  }
  world_close(world);
}

static void test_bound_by_queue(void) {
  enum { PAIRS = 40, QUEUE = 9, ROUNDS = 400 };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  int clients[PAIRS];
  CHECK(sockets_set_queue_size(&world->sockets, MAX_RECORDS_EACH - 1) < 0);
  CHECK(sockets_set_queue_size(&world->sockets, -1) < 0);
  CHECK(sockets_set_queue_size(&world->sockets, QUEUE) == 0);
  struct dispatched dispatched = {.world = world, .answer = 1};
  for (int i = 0; i < PAIRS; i++) clients[i] = connect_here(world, port);
  while (seen(world, listener)->accepted < PAIRS) {
    (void)wake_up(&dispatched);
    CHECK(dispatched.events <= QUEUE);
  }
  for (int i = 0; i < PAIRS; i++) CHECK(send_stream(world, clients[i], 0, 1) == 1);
  int most = 0;
  for (int round = 0; round < ROUNDS; round++) {
    const bool has_more = wake_up(&dispatched);
    /* Whatever waits is either reported by the descriptor or known to be there. */
    CHECK(has_more == sockets_has_more(&world->sockets));
    CHECK(dispatched.events <= QUEUE);
    if (dispatched.events > most) most = dispatched.events;
  }
  CHECK(most > QUEUE - MAX_RECORDS_EACH);
  for (int i = 0; i < PAIRS; i++) CHECK(seen(world, clients[i])->pieces > 0);
  CHECK(sockets_set_queue_size(&world->sockets, 0) == 0);
  for (int tries = 0; dispatched.events <= QUEUE; tries++) {
    CHECK(tries < MANY_TRIES);
    (void)wake_up(&dispatched);
  }
  world_close(world);
}

/* Returns the bytes that wait to be read. */
static int unread(const struct world *world, int slot) {
  int bytes = 0;
  struct socket *socket = socket_at((struct sockets *)&world->sockets, slot);
  CHECK(socket != NULL && ioctl(socket->fd, FIONREAD, &bytes) == 0);
  return bytes;
}

static void await_unread(const struct world *world, int slot, int bytes) {
  for (int looks = 0; unread(world, slot) < bytes; looks++) {
    CHECK(looks < 10000000);
    (void)sched_yield();
  }
}

/* Bulk waits on all connections: a wake-up receives a part of it, even if it drops the bytes. */
static void bound_bytes(bool is_discarded) {
  enum { PAIRS = 64, BYTES = 128 * KIB };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 1024 * KIB, &port);
  int clients[PAIRS];
  int servers[PAIRS];
  int count = 0;
  connect_many(world, listener, port, clients, PAIRS);
  for (int slot = 0; slot <= 2 * PAIRS; slot++) {
    bool is_server = slot != listener;
    for (int i = 0; i < PAIRS; i++) is_server = is_server && clients[i] != slot;
    if (is_server) servers[count++] = slot;
  }
  CHECK(count == PAIRS);
  for (int i = 0; i < PAIRS; i++) CHECK(sockets_set_reading(&world->sockets, servers[i], 0) == 0);
  for (int i = 0; i < PAIRS; i++) CHECK(send_stream(world, clients[i], 0, BYTES) == (int)BYTES);
  for (int i = 0; i < PAIRS; i++) await_unread(world, servers[i], BYTES);
  for (int i = 0; i < PAIRS; i++) {
    if (is_discarded) CHECK(sockets_discard(&world->sockets, servers[i]) == 0);
    else CHECK(sockets_set_reading(&world->sockets, servers[i], READ_BYTES) == 0);
  }
  struct dispatched dispatched = {.world = world};
  long left = (long)PAIRS * BYTES;
  int wake_ups = 0;
  while (left > 0) {
    const bool has_more = wake_up(&dispatched);
    long now = 0;
    for (int i = 0; i < PAIRS; i++) now += unread(world, servers[i]);
    CHECK(left - now <= (long)ENOUGH_WORK * WORK_BYTES + READ_BYTES);
    CHECK(has_more || now == 0);
    left = now;
    wake_ups++;
  }
  CHECK(wake_ups > 1);
  world_close(world);
}

static void test_bound_by_bytes(void) { bound_bytes(false); }
static void test_bound_by_dropped_bytes(void) { bound_bytes(true); }

/* With endless bulk on more connections than a poll has room for, each one waits for its turn once. */
static void test_one_turn_each(void) {
  enum { PAIRS = 6, BYTES = 192 * KIB, WAKE_UPS = 300 };
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  int clients[PAIRS];
  connect_many(world, listener, port, clients, PAIRS);
  const struct sockets *sockets = &world->sockets;
  struct dispatched dispatched = {.world = world};
  int most = 0;
  for (int count = 0; count < WAKE_UPS; count++) {
    for (int i = 0; i < PAIRS; i++) CHECK(send_stream(world, clients[i], 0, BYTES) >= 0);
    (void)wake_up(&dispatched);
    for (int i = 0; i < sockets->again_count; i++) {
      for (int j = 0; j < i; j++) CHECK(sockets->again[i].data.u64 != sockets->again[j].data.u64);
    }
    if (sockets->again_count > most) most = sockets->again_count;
  }
  CHECK(most > 1);
  uint64_t fewest = UINT64_MAX;
  uint64_t mean = 0;
  for (int slot = 0; slot <= 2 * PAIRS; slot++) {
    const uint64_t bytes = seen(world, slot)->bytes;
    if (bytes == 0) continue;
    if (bytes < fewest) fewest = bytes;
    mean += bytes / PAIRS;
  }
  CHECK(fewest > mean / 2);
  world_close(world);
}

/* Sends one piece of `bytes`. Returns the number of polls of the wake-up that reads it. */
static uint64_t polls_for(struct world *world, struct pair pair, size_t bytes) {
  const struct seen *server = seen(world, pair.server);
  const uint64_t before = server->bytes;
  CHECK(send_stream(world, pair.client, before, bytes) == (int)bytes);
  await_unread(world, pair.server, (int)bytes);
  const uint64_t polls = world->sockets.polls;
  struct dispatched dispatched = {.world = world};
  CHECK(!wake_up(&dispatched));
  CHECK(server->bytes == before + bytes && server->is_sound && dispatched.count == 1);
  return world->sockets.polls - polls;
}

/*
 * Returns the busy polls behind a piece of bulk: one other poll brings the piece, a second one brings
 * nothing.
 */
static uint64_t busy_polls(struct world *world, struct pair pair) {
  const uint64_t polls = polls_for(world, pair, BULK_BYTES);
  CHECK(polls >= 2 && polls <= 2 + MAX_BUSY_POLLS);
  return polls - 2;
}

/* Returns the number of chances that are skipped before the next busy poll. */
static int skipped(struct world *world, struct pair pair) {
  int count = 0;
  while (busy_polls(world, pair) == 0) count++;
  return count;
}

static void test_busy_polling(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  CHECK(polls_for(world, pair, BULK_BYTES - 8) == 1);
  /* There is more than one busy poll, unless the system takes the processor away. */
  for (int tries = 0; busy_polls(world, pair) < 2; tries++) {
    CHECK(tries < MANY_TRIES);
    world->sockets.bulk.skips_left = 0;
  }
  world->sockets.bulk = (struct bulk){.fragments_left = 0};
  /* Nothing comes, so that ever more chances are skipped. */
  CHECK(skipped(world, pair) == 0);
  for (int skips = 1; skips <= MAX_SKIPS; skips *= 2) CHECK(skipped(world, pair) == skips);
  CHECK(skipped(world, pair) == MAX_SKIPS);
  /* After a piece that busy polling brought, the backoff starts anew. */
  for (int i = 0; i < MAX_SKIPS; i++) CHECK(busy_polls(world, pair) == 0);
  world->sockets.bulk.gained = READ_BYTES;
  CHECK(skipped(world, pair) == 0);
  CHECK(skipped(world, pair) == 0);
  CHECK(skipped(world, pair) == 1);
  close_both(world, pair);
  world_close(world);
}

/* Behind a piece of bulk come small pieces for ever, each one when the one before was dispatched. */
static void test_fragments(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  struct dispatched dispatched = {.world = world};
  for (int tries = 0; dispatched.count < 1 + MAX_FRAGMENTS; tries++) {
    CHECK(tries < MANY_TRIES);
    dispatched.answer = 0;
    while (unread(world, pair.server) > 0 || unread(world, pair.client) > 0) (void)wake_up(&dispatched);
    world->sockets.bulk = (struct bulk){.fragments_left = 0};
    CHECK(send_stream(world, pair.client, 0, BULK_BYTES) == BULK_BYTES);
    await_unread(world, pair.server, BULK_BYTES);
    dispatched.answer = 1;
    (void)wake_up(&dispatched);
    CHECK(dispatched.count <= 1 + MAX_FRAGMENTS);
  }
  close_both(world, pair);
  world_close(world);
}

/* ---- out of descriptors */

/* Lets the process open no further descriptor. Returns the former limit. */
static struct rlimit starve(void) {
  struct rlimit before;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
  CHECK(next >= 0 && close(next) == 0);
  const struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  return before;
}

static void test_out_of_descriptors(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct seen *seen_listener = seen(world, listener);
  const struct pair running = pair_of(world, listener, port);
  const int rejected = raw_connection();
  const int waits = raw_connection();
  struct rlimit before = starve();
  raw_connect(rejected, port);
  UNTIL(world, seen_listener->accept_failures == 1);
  CHECK(seen_listener->refusal == refusal(CALL_ACCEPT, EMFILE) && !seen_listener->is_paused);
  char byte = 0;
  CHECK(recv(rejected, &byte, 1, 0) == -1 && errno == ECONNRESET);
  const struct connect_request request = {.address = "127.0.0.1", .port = port};
  CHECK(sockets_connect(&world->sockets, &request) == refusal(CALL_SOCKET, EMFILE));
  CHECK(send_stream(world, running.client, 0, 10) == 10);
  UNTIL(world, seen(world, running.server)->bytes == 10);
  /* Without the reserve the connection waits, and is accepted when the listener is resumed. */
  CHECK(world->sockets.spare >= 0 && close(world->sockets.spare) == 0);
  const struct rlimit none = {.rlim_cur = (rlim_t)world->sockets.spare, .rlim_max = before.rlim_max};
  CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  world->sockets.spare = -1;
  raw_connect(waits, port);
  UNTIL(world, seen_listener->accept_failures == 2);
  CHECK(seen_listener->is_paused);
  struct pollfd ready = {.fd = world->sockets.epoll, .events = POLLIN};
  CHECK(poll(&ready, 1, 0) == 0);
  CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
  const int accepted = seen_listener->accepted;
  /* A refused attempt to resume leaves the listener paused, and the next one resumes it. */
  const int epoll = world->sockets.epoll;
  world->sockets.epoll = -1;
  CHECK(sockets_resume(&world->sockets, listener) == refusal(CALL_EPOLL, EBADF));
  world->sockets.epoll = epoll;
  CHECK(sockets_resume(&world->sockets, listener) == 0);
  UNTIL(world, seen_listener->accepted == accepted + 1);
  CHECK(close(rejected) == 0 && close(waits) == 0);
  world_close(world);
}

int main(void) {
  static const struct test tests[] = {
      {"bytes arrive, both ways", test_echo},
      {"a flush sends in order, and nothing behind a piece that was cut", test_flush},
      {"a send record out of bounds is refused", test_flush_out_of_bounds},
      {"a sender under backpressure gets an event when it may continue", test_back_pressure},
      {"acknowledged bytes are reported, without the FIN", test_acks_by_events},
      {"acknowledged bytes are counted, without the FIN", test_acks_asked_for},
      {"bytes that are peeked at come once and in order, and the FIN behind them", test_peeking},
      {"bytes that are peeked at keep the window closed", test_peeking_closes_the_window},
      {"a socket that discards reports the end and no bytes", test_discarding},
      {"an urgent byte is one like any other", test_urgent},
      {"an urgent byte that is peeked at is one like any other", test_urgent_peeked_at},
      {"a reset is reported once", test_reset},
      {"a reset behind a FIN is reported", test_reset_behind_a_fin},
      {"a refused connection is reported", test_refused},
      {"a slot without a socket is refused with EBADF", test_slot_without_socket},
      {"a slot is used again only after the events", test_slots_are_used_again_after_the_events},
      {"a stale report does not reach the next socket of the slot", test_stale_events},
      {"thousands of connections come and go", test_thousands},
      {"every socket has its turn", test_fairness},
      {"a poll has one piece of each socket", test_one_piece_in_a_poll},
      {"a wake-up keeps its limit of rounds", test_bound_by_rounds},
      {"a wake-up keeps the limit of events", test_bound_by_queue},
      {"a wake-up keeps its limit of received bytes", test_bound_by_bytes},
      {"a wake-up keeps its limit of dropped bytes", test_bound_by_dropped_bytes},
      {"a socket that has more waits for its turn once", test_one_turn_each},
      {"bulk is polled for busily, with a backoff where that is in vain", test_busy_polling},
      {"small pieces end bulk", test_fragments},
      {"a page that is gone is not written, and another one is requested", test_pages_that_are_gone},
      {"a page out of bounds is refused", test_page_bounds},
      {"out of descriptors, connections are rejected or wait", test_out_of_descriptors},
  };
  run_tests(tests, sizeof tests / sizeof tests[0]);
  return 0;
}
