/*
 * Awaiting bulk. A sender on the same machine has the next 64 KiB ready sooner than a thread is put to sleep
 * and woken, and the waking is the sender's work: an interrupt to the other core for each piece. So whoever
 * received bulk looks again and again for a moment before it sleeps.
 *
 * Where that is in vain, as with bulk that a network brings, it is left out the next times: once, then twice
 * as often each time, up to MAX_SKIPS.
 */
#include "sockets.h"

#include <time.h>

/* Bulk that comes at 3 GiB a second and faster is worth it; a sleep and its end cost about as much. */
#define AWAITED_NS 20000

/* -1: there is no such clock. */
static int64_t now_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return -1;
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int sockets_await_bulk(struct sockets *sockets) {
  if (!sockets->brought_bulk) return 0;
  sockets->brought_bulk = false;
  if (sockets->skips_left > 0) {
    sockets->skips_left--;
    return 0;
  }
  const int64_t end_ns = now_ns() + AWAITED_NS;
  int count = 0;
  bool is_found = false;
  do {
    count = sockets_poll(sockets, false);
    is_found = count != 0 || sockets_has_more(sockets);
  } while (!is_found && now_ns() < end_ns);
  if (is_found) sockets->skips = 0;
  else if (sockets->skips < MAX_SKIPS) sockets->skips = sockets->skips == 0 ? 1 : 2 * sockets->skips;
  sockets->skips_left = sockets->skips;
  return count;
}
