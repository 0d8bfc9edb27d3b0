/*
 * Tests of many connections as a program without Node, over the loopback: turns, budgets of wake-ups, bulk,
 * pages, the lack of descriptors. scripts/test-native.mjs runs it under sanitizers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sys/socket.h>

#include "../refusal.h"
#include "../socket.h"
#include "check.h"
#include "sockets-world.h"

/* Tries for an event that the machine may delay some times, but not every time. */
#define MANY_TRIES 1000

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

/* The events that a wake-up dispatched, and the bytes to send back during the dispatch. */
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
  const int rejected = plain_socket();
  const int waits = plain_socket();
  struct rlimit before = starve();
  plain_connect(rejected, port);
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
  plain_connect(waits, port);
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
