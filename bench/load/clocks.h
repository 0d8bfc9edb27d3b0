/*
 * The time, and the CPU time that the server and this program have had.
 *
 * The server's CPU time is its process's own clock: all threads, also those that have ended, in
 * nanoseconds. The kernel brings it up to date when a thread leaves its core and at every tick of the
 * scheduler, so it may be late by a tick; measurements that last a whole number of ticks are late by the
 * same at both ends. How much of it was spent in user mode and how much in the kernel is only told in
 * ticks.
 */
#ifndef CLOCKS_H
#define CLOCKS_H

#include <stdint.h>
#include <sys/types.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

uint64_t now_ns(void);

struct mark {
    uint64_t at_ns;
    uint64_t server_cpu_ns;
    uint64_t server_user_ticks;
    uint64_t server_system_ticks;
    uint64_t own_cpu_ns;
};

/* Names the server. Before it, and without it, its figures are 0. */
void watch_server(pid_t pid);

struct mark mark_now(void);

/* What went by between two marks. */
struct mark mark_difference(const struct mark *first, const struct mark *last);

#endif
