#define _GNU_SOURCE
#include "clocks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

static pid_t server;
static clockid_t server_clock;

static uint64_t read_clock(clockid_t clock, const char *what)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        fail_errno(what);
    return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC, "clock_gettime");
}

void watch_server(pid_t pid)
{
    if (clock_getcpuclockid(pid, &server_clock) != 0)
        fail("--server-pid: there is no process %ld", (long)pid);
    server = pid;
}

/* Reads fields 14 and 15 of /proc/<pid>/stat. Field 2, a name in parentheses, may contain spaces. */
static void read_ticks(struct mark *mark)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)server);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_errno(path);
    const ssize_t length = read(fd, text, sizeof text - 1);
    (void)close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                               &mark->server_user_ticks, &mark->server_system_ticks) != 2)
        fail("%s: not understood", path);
}

struct mark mark_now(void)
{
    struct mark mark = {0};
    if (server != 0) {
        read_ticks(&mark);
        mark.server_cpu_ns = read_clock(server_clock, "the server's clock");
    }
    mark.own_cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID, "the clock of the load");
    mark.at_ns = now_ns();
    return mark;
}

struct mark mark_difference(const struct mark *first, const struct mark *last)
{
    return (struct mark){
        .at_ns = last->at_ns - first->at_ns,
        .server_cpu_ns = last->server_cpu_ns - first->server_cpu_ns,
        .server_user_ticks = last->server_user_ticks - first->server_user_ticks,
        .server_system_ticks = last->server_system_ticks - first->server_system_ticks,
        .own_cpu_ns = last->own_cpu_ns - first->own_cpu_ns,
    };
}
