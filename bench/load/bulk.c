/*
 * Bulk transfer on one connection in one direction. A sending server repeats the bytes 0, 1, … 255, which
 * are compared during the warm-up. During the measurement the kernel drops the bytes unread (MSG_TRUNC); a
 * receiving server gets the same buffer again and again. So the load generator has little work itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clocks.h"
#include "fail.h"
#include "loop.h"
#include "modes.h"
#include "sockets.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define PATTERN_PERIOD 256u
#define CALLS_PER_EVENT 16

static int fd = -1;
static bool begun;
static bool draining;
static uint64_t received;
static unsigned char buffer[BUFFER_BYTES];
static unsigned char pattern[BUFFER_BYTES + PATTERN_PERIOD];

static void open_one(const struct settings *settings)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)(i % PATTERN_PERIOD);
    fd = open_connection(settings->port);
    loop_watch(fd, EPOLLIN | EPOLLOUT, &fd);
}

static bool receive_piece(void)
{
    const ssize_t length = recv(fd, buffer, sizeof buffer, measuring() ? MSG_TRUNC : 0);
    if (length < 0) {
        if (has_to_wait())
            return false;
        fail("recv: %s", strerror(errno));
    }
    if (length == 0)
        fail("the server closed the connection");
    if (!measuring() && memcmp(buffer, pattern + received % PATTERN_PERIOD, (size_t)length) != 0)
        fail("the server sent something else than agreed, at or after byte %llu",
             (unsigned long long)received);
    received += (uint64_t)length;
    measurement_add((uint64_t)length);
    return true;
}

static bool send_piece(void)
{
    const ssize_t length = send(fd, pattern, BUFFER_BYTES, MSG_NOSIGNAL);
    if (length < 0) {
        if (has_to_wait())
            return false;
        fail("send: %s", strerror(errno));
    }
    measurement_add((uint64_t)length);
    return true;
}

static void fail_if_broken(uint32_t events)
{
    if ((events & (uint32_t)(EPOLLERR | EPOLLHUP)) == 0)
        return;
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        fail_errno("getsockopt");
    fail("the connection failed: %s", error == 0 ? "the server closed it" : strerror(error));
}

/* The first event reports that the connection is established. Later ones depend on the direction. */
static void event_for(uint32_t events, uint32_t wanted, bool (*piece)(void))
{
    if (draining)
        return;
    fail_if_broken(events);
    if (!begun) {
        begun = true;
        loop_watch_for(fd, wanted, &fd);
        measurement_ready();
    }
    if ((events & wanted) == 0)
        return;
    for (int i = 0; i < CALLS_PER_EVENT && piece(); i++)
        continue;
}

static void receive_event(void *subject, uint32_t events)
{
    (void)subject;
    event_for(events, EPOLLIN, receive_piece);
}

static void send_event(void *subject, uint32_t events)
{
    (void)subject;
    event_for(events, EPOLLOUT, send_piece);
}

/* The connection is closed by the end of the program. */
static void drain(void)
{
    draining = true;
    measurement_drained();
}

const struct mode receive_mode = {
    .name = "receive",
    .open = open_one,
    .event = receive_event,
    .drain = drain,
};

const struct mode send_mode = {
    .name = "send",
    .open = open_one,
    .event = send_event,
    .drain = drain,
};
