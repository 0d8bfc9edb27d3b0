#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clocks.h"
#include "fail.h"

#define EVENTS_PER_WAIT 256

static int epoll = -1;
static bool running = true;
static uint64_t wake_at = NEVER;
static const struct loop_handlers *handlers;

static void control(int operation, int fd, uint32_t events, void *subject)
{
    struct epoll_event event = {.events = events, .data = {.ptr = subject}};
    if (epoll_ctl(epoll, operation, fd, &event) != 0)
        fail_errno("epoll_ctl");
}

void loop_watch(int fd, uint32_t events, void *subject)
{
    control(EPOLL_CTL_ADD, fd, events, subject);
}

void loop_watch_for(int fd, uint32_t events, void *subject)
{
    control(EPOLL_CTL_MOD, fd, events, subject);
}

void loop_set_up(const struct loop_handlers *own)
{
    handlers = own;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail_errno("epoll_create1");
    loop_watch(STDIN_FILENO, EPOLLIN, NULL); /* a pipe or a terminal; epoll cannot watch a file */
}

void loop_wake_at(uint64_t ns)
{
    wake_at = ns;
}

void loop_end(void)
{
    running = false;
}

static void standard_input(void)
{
    char ignored[64];
    const ssize_t length = read(STDIN_FILENO, ignored, sizeof ignored);
    if (length > 0 || (length < 0 && errno == EINTR))
        return;
    control(EPOLL_CTL_DEL, STDIN_FILENO, 0, NULL);
    handlers->input_end();
}

static int wait_ms(void)
{
    if (wake_at == NEVER)
        return -1;
    const uint64_t now = now_ns();
    if (now >= wake_at)
        return 0;
    const uint64_t ms = (wake_at - now + NS_PER_MS - 1) / NS_PER_MS;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

void loop_run(void)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    while (running) {
        const int count = epoll_wait(epoll, events, EVENTS_PER_WAIT, wait_ms());
        if (count < 0 && errno != EINTR)
            fail_errno("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                standard_input();
            else
                handlers->event(events[i].data.ptr, events[i].events);
        }
        handlers->turn(now_ns());
    }
}
