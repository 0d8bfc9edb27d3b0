/*
 * The time, and the CPU time of the server and of this program.
 *
 * The server's CPU time is the clock of its process, in nanoseconds: all threads, also those that have
 * ended. The kernel updates it when a thread leaves its core and at every tick of the scheduler, so it may
 * be late by a tick. A measurement that lasts a whole number of ticks is late by the same time at both ends.
 * The division between user mode and kernel is only known in ticks.
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

/* Sets the server's process. Without this call the server's figures are 0. */
void watch_server(pid_t pid);

struct mark mark_now(void);

/* Returns the differences between two marks. */
struct mark mark_difference(const struct mark *first, const struct mark *last);

#endif
