/*
 * A wake-up: polls and dispatches, until there is nothing more or the budget of one turn of the program's
 * loop is used up.
 *
 * After bulk it polls busily for a moment before it lets the thread sleep. A sender on the same machine has
 * the next 64 KiB ready sooner than a thread goes to sleep and wakes, and each wake-up would cost the
 * sender an interrupt to the other core. If busy polling is in vain, as with bulk from a network, it backs
 * off: it skips the next chance, then twice as many each time, up to MAX_SKIPS.
 */
#include "sockets.h"

#include <time.h>

/* Returns -1 if there is no such clock. */
static int64_t now_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return -1;
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Ends the present bulk. Busy polling for it was worth its cost if it brought at least one more piece. */
static void end_bulk(struct bulk *bulk) {
  if (bulk->is_polled) {
    if (bulk->gained >= READ_BYTES) bulk->skips = 0;
    else if (bulk->skips < MAX_SKIPS) bulk->skips = bulk->skips == 0 ? 1 : 2 * bulk->skips;
    bulk->skips_left = bulk->skips;
  }
  bulk->is_polled = false;
  bulk->gained = 0;
  bulk->fragments_left = 0;
}

/*
 * Decides by the last poll if there is bulk. Bulk may also arrive in fragments: MAX_FRAGMENTS polls below the
 * average, one after another, end it.
 */
static void update_bulk(struct sockets *sockets, int count) {
  struct bulk *bulk = &sockets->bulk;
  if (sockets->poll_bytes >= (size_t)count * BULK_BYTES) bulk->fragments_left = MAX_FRAGMENTS;
  else if (bulk->fragments_left > 0 && --bulk->fragments_left == 0) end_bulk(bulk);
}

/* Polls again and again for a moment. Returns the result of the last poll; 0 if nothing came. */
static int poll_busily(struct sockets *sockets) {
  struct bulk *bulk = &sockets->bulk;
  if (bulk->skips_left > 0) {
    bulk->skips_left--;
    end_bulk(bulk);
    return 0;
  }
  bulk->is_polled = true;
  const int64_t begin_ns = now_ns();
  for (int polls = 0; polls < MAX_BUSY_POLLS; polls++) {
    const int count = sockets_poll(sockets);
    bulk->gained += sockets->poll_bytes;
    if (count != 0 || sockets->lacks_page || sockets_has_more(sockets)) return count;
    const int64_t ns = now_ns();
    if (begin_ns < 0 || ns < 0 || ns - begin_ns >= BUSY_POLL_NS) break;
  }
  end_bulk(bulk);
  return 0;
}

static bool has_budget(const struct sockets *sockets) {
  const bool has_queue = sockets->queue_size == 0 || sockets->queue_left >= MAX_RECORDS_EACH;
  return has_queue && sockets->work < ENOUGH_WORK;
}

bool sockets_wake_up(struct sockets *sockets, sockets_dispatcher *dispatch, void *context) {
  sockets->work = 0;
  sockets->queue_left = sockets->queue_size;
  for (int round = 0; round < MAX_ROUNDS && has_budget(sockets); round++) {
    int count = sockets_poll(sockets);
    const bool is_idle = count == 0 && !sockets_has_more(sockets);
    if (is_idle && sockets->bulk.fragments_left > 0) count = poll_busily(sockets);
    if (count > 0) {
      sockets->queue_left -= count;
      update_bulk(sockets, count);
      if (!dispatch(context, count)) return false;
    }
    if (sockets->lacks_page) {
      sockets->lacks_page = false;
      if (!dispatch(context, -1)) return false;
    }
    if (sockets_has_more(sockets) || count >= MANY_EVENTS) continue;
    if (count < 0 || sockets->bulk.fragments_left == 0) return false;
  }
  return sockets_has_more(sockets);
}
