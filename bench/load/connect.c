#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clocks.h"
#include "fail.h"
#include "loop.h"
#include "modes.h"
#include "sockets.h"

/* A slot for one connection at a time. */
struct place {
    int fd;
    bool sent;
    unsigned char byte;
    uint64_t began_ns;
};

static const struct settings *settings;
static struct place *places;
static uint32_t busy;

/* On the loopback interface a connection is mostly established at once. */
static bool try_send(struct place *place)
{
    if (send(place->fd, &place->byte, 1, MSG_NOSIGNAL) == 1)
        return true;
    if (!has_to_wait())
        fail("send on a new connection: %s", strerror(errno));
    return false;
}

static void begin_connection(struct place *place)
{
    place->began_ns = now_ns();
    place->byte++;
    place->fd = open_connection(settings->port);
    place->sent = try_send(place);
    loop_watch(place->fd, place->sent ? EPOLLIN : EPOLLIN | EPOLLOUT, place);
}

static void end_connection(struct place *place)
{
    measurement_add_timed(place->began_ns, now_ns());
    if (close(place->fd) != 0 && errno != EINTR)
        fail_errno("close");
    if (measurement_goes_on()) {
        begin_connection(place);
        return;
    }
    busy--;
    if (busy == 0)
        measurement_drained();
}

static void receive(struct place *place)
{
    unsigned char byte;
    const ssize_t length = recv(place->fd, &byte, 1, 0);
    if (length < 0 && has_to_wait())
        return;
    if (length < 0)
        fail("recv on a new connection: %s", strerror(errno));
    if (length == 0)
        fail("the server closed a new connection without a reply");
    if (byte != place->byte)
        fail("the reply on a new connection differs from the message");
    end_connection(place);
}

static void event(void *subject, uint32_t events)
{
    struct place *place = subject;
    if (!place->sent && (events & (uint32_t)EPOLLOUT) != 0) {
        place->sent = try_send(place);
        if (place->sent)
            loop_watch_for(place->fd, EPOLLIN, place);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        receive(place);
}

static void open_places(const struct settings *own)
{
    settings = own;
    raise_file_limit(settings->connections);
    places = allocate(settings->connections, sizeof *places);
    measurement_ready();
}

static void begin(void)
{
    busy = settings->connections;
    for (uint32_t i = 0; i < settings->connections; i++)
        begin_connection(&places[i]);
}

const struct mode connect_mode = {
    .name = "connect",
    .open = open_places,
    .begin = begin,
    .event = event,
};
