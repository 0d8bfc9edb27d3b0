/*
 * A wake-up: polls, and tells of what they brought, until there is nothing more or it was enough for one turn
 * of the program's loop.
 *
 * After bulk it looks again and again for a moment before it lets the thread sleep. A sender on the same
 * machine has the next 64 KiB ready sooner than a thread is put to sleep and woken, and the waking is the
 * sender's work: an interrupt to the other core for each piece. Where that is in vain, as with bulk that a
 * network brings, it is left out the next times: once, then twice as often each time, up to MAX_SKIPS.
 */
#include "sockets.h"

#include <time.h>

/* -1: there is no such clock. */
static int64_t now_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return -1;
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Bulk has ended for now. It was worth awaiting if at least another piece came. */
static void end_bulk(struct bulk *bulk) {
  if (bulk->is_awaited) {
    if (bulk->gained >= READ_BYTES) bulk->skips = 0;
    else if (bulk->skips < MAX_SKIPS) bulk->skips = bulk->skips == 0 ? 1 : 2 * bulk->skips;
    bulk->skips_left = bulk->skips;
  }
  bulk->is_awaited = false;
  bulk->gained = 0;
  bulk->looks_left = 0;
}

/* What a poll brought. A piece comes in fragments as well: a few of them end no bulk. */
static void see_bulk(struct sockets *sockets, int count) {
  struct bulk *bulk = &sockets->bulk;
  if (sockets->poll_bytes >= (size_t)count * BULK_BYTES) bulk->looks_left = MAX_FRAGMENTS;
  else if (bulk->looks_left > 0 && --bulk->looks_left == 0) end_bulk(bulk);
}

/* Polls again and again for a moment. As `sockets_poll`; 0: there was nothing. */
static int await_bulk(struct sockets *sockets) {
  struct bulk *bulk = &sockets->bulk;
  if (bulk->skips_left > 0) {
    bulk->skips_left--;
    end_bulk(bulk);
    return 0;
  }
  bulk->is_awaited = true;
  const int64_t begin_ns = now_ns();
  for (int looks = 0; looks < MAX_LOOKS; looks++) {
    const int count = sockets_poll(sockets);
    bulk->gained += sockets->poll_bytes;
    if (count != 0 || sockets->lacks_page || sockets_has_more(sockets)) return count;
    const int64_t ns = now_ns();
    if (begin_ns < 0 || ns < 0 || ns - begin_ns >= AWAITED_NS) break;
  }
  end_bulk(bulk);
  return 0;
}

static bool has_turn(const struct sockets *sockets) {
  const bool has_queue = sockets->queue_size == 0 || sockets->queue_left >= MAX_RECORDS_EACH;
  return has_queue && sockets->work < ENOUGH_WORK;
}

bool sockets_wake_up(struct sockets *sockets, sockets_teller *tell, void *context) {
  sockets->work = 0;
  sockets->queue_left = sockets->queue_size;
  for (int round = 0; round < MAX_ROUNDS && has_turn(sockets); round++) {
    int count = sockets_poll(sockets);
    const bool is_through = count == 0 && !sockets_has_more(sockets);
    if (is_through && sockets->bulk.looks_left > 0) count = await_bulk(sockets);
    if (count > 0) {
      sockets->queue_left -= count;
      see_bulk(sockets, count);
      if (!tell(context, count)) return false;
    }
    if (sockets->lacks_page) {
      sockets->lacks_page = false;
      if (!tell(context, -1)) return false;
    }
    if (sockets_has_more(sockets) || count >= MANY_EVENTS) continue;
    if (count < 0 || sockets->bulk.looks_left == 0) return false;
  }
  return sockets_has_more(sockets);
}
