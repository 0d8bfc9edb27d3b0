/*
 * Tests of one connection as a program without Node, over the loopback: bytes, acknowledgements, the window,
 * ends, slots. scripts/test-native.mjs runs it under sanitizers.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "../refusal.h"
#include "../socket.h"
#include "check.h"
#include "sockets-world.h"

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

/* ---- figures of the path */

/* Waits until the peer's window, as this side knows it, is `closed` or not. */
static void await_window(struct world *world, int slot, bool closed) {
  const struct path_info *path = world->sockets.shared.path;
  for (int tries = 0; tries < 10000; tries++) {
    CHECK(sockets_path(&world->sockets, slot) == 0);
    if (path->peer_window < 0 || (path->peer_window == 0) == closed) return;
    CHECK(poll(NULL, 0, 1) == 0);
  }
  CHECK(false);
}

static void test_path(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 4 * KIB, &port);
  const struct pair pair = pair_of(world, listener, port);
  struct sockets *sockets = &world->sockets;
  const struct path_info *path = sockets->shared.path;
  CHECK(sockets_path(sockets, pair.client) == 0);
  CHECK(path->mss > 500 && path->heard_ago_ms >= 0 && path->round_trip_us >= 0);
  CHECK(path->retransmissions == 0 && path->unanswered == 0 && path->peer_window != 0);
  CHECK(sockets_waiting(sockets, pair.server) == 0);
  CHECK(sockets_set_reading(sockets, pair.server, 0) == 0);
  const int sent = send_stream(world, pair.client, 0, 256 * KIB);
  CHECK(sent > 0);
  await_window(world, pair.client, true);
  const int waiting = sockets_waiting(sockets, pair.server);
  CHECK(waiting > 0 && waiting <= sent);
  CHECK(sockets_set_reading(sockets, pair.server, READ_BYTES) == 0);
  UNTIL(world, seen(world, pair.server)->bytes == (uint64_t)sent);
  await_window(world, pair.client, false);
  CHECK(sockets_waiting(sockets, pair.server) == 0);
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
  const int peer = plain_socket();
  plain_connect(peer, port);
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

/* A sender that waits for space gets the reset as an error of reading, and no EVENT_WRITABLE before it. */
static void test_reset_under_backpressure(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  const struct pair pair = pair_of(world, listener, port);
  CHECK(sockets_set_reading(&world->sockets, pair.server, 0) == 0);
  uint64_t sent = 0;
  int taken = 0;
  do {
    taken = send_stream(world, pair.client, sent, 256 * KIB);
    CHECK(taken >= 0);
    sent += (uint64_t)taken;
  } while (taken == (int)(256 * KIB));
  const struct seen *client = seen(world, pair.client);
  CHECK(sockets_reset(&world->sockets, pair.server) == 0);
  UNTIL(world, client->failures > 0);
  CHECK(client->refusal == refusal(CALL_READ, ECONNRESET) && client->writables == 0);
  CHECK(sockets_close(&world->sockets, pair.client) == 0);
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
    CHECK(sockets_path(sockets, slot) == refusal(CALL_GETSOCKOPT, EBADF));
    CHECK(sockets_waiting(sockets, slot) == refusal(CALL_IOCTL, EBADF));
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
/* A FIN and a reset arrive at a socket that is not read. */
static void test_reset_behind_an_unread_fin(void) {
  struct world *world = world_open();
  uint16_t port = 0;
  const int listener = listen_here(world, 0, &port);
  for (size_t bytes = 0; bytes <= 100; bytes += 100) {
    const struct pair pair = pair_of(world, listener, port);
    const struct seen *server = seen(world, pair.server);
    CHECK(sockets_set_reading(&world->sockets, pair.server, 0) == 0);
    CHECK(bytes == 0 || send_stream(world, pair.client, 0, bytes) == (int)bytes);
    CHECK(sockets_shutdown(&world->sockets, pair.client) == 0);
    CHECK(sockets_reset(&world->sockets, pair.client) == 0);
    UNTIL(world, server->failures > 0);
    /* The end is no end of the stream if bytes before it are lost. */
    CHECK(server->failures == 1 && server->bytes == 0 && server->has_ended == (bytes == 0));
    CHECK(sockets_close(&world->sockets, pair.server) == 0);
  }
  world_close(world);
}

int main(void) {
  static const struct test tests[] = {
      {"bytes arrive, both ways", test_echo},
      {"a flush sends in order, and nothing behind a piece that was cut", test_flush},
      {"a send record out of bounds is refused", test_flush_out_of_bounds},
      {"a sender under backpressure gets an event when it may continue", test_back_pressure},
      {"the figures of the path say if the peer reads", test_path},
      {"acknowledged bytes are reported, without the FIN", test_acks_by_events},
      {"acknowledged bytes are counted, without the FIN", test_acks_asked_for},
      {"bytes that are peeked at come once and in order, and the FIN behind them", test_peeking},
      {"bytes that are peeked at keep the window closed", test_peeking_closes_the_window},
      {"a socket that discards reports the end and no bytes", test_discarding},
      {"an urgent byte is one like any other", test_urgent},
      {"an urgent byte that is peeked at is one like any other", test_urgent_peeked_at},
      {"a reset is reported once", test_reset},
      {"a reset under backpressure is no event to write on", test_reset_under_backpressure},
      {"a reset behind a FIN is reported", test_reset_behind_a_fin},
      {"a reset behind an unread FIN is reported, and the FIN if no bytes are lost",
       test_reset_behind_an_unread_fin},
      {"a refused connection is reported", test_refused},
      {"a slot without a socket is refused with EBADF", test_slot_without_socket},
      {"a slot is used again only after the events", test_slots_are_used_again_after_the_events},
      {"a stale report does not reach the next socket of the slot", test_stale_events},
  };
  run_tests(tests, sizeof tests / sizeof tests[0]);
  return 0;
}
