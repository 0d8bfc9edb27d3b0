/*
 * Listens and answers requests. A request ends with known bytes, and the next one comes when it is answered,
 * so nothing has to be parsed. The time of an operation is that between two requests on one connection:
 * sending the answer, and everything that the measured program does until its next request. When the
 * measurement is over, each request is answered with "stop", which ends the loop that made it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clocks.h"
#include "fail.h"
#include "loop.h"
#include "modes.h"
#include "sockets.h"

#define REQUEST_BYTES_MAX 4096u

/* A literal and its length. */
#define TEXT(literal) (literal), sizeof(literal) - 1

struct language {
    const char *name;
    const char *request_end;
    size_t request_end_bytes;
    const char *answer;
    size_t answer_bytes;
    const char *stop;
    size_t stop_bytes;
};

static const struct language languages[] = {
    {
        "http",
        TEXT("\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world"),
        TEXT("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nstop"),
    },
    {
        "redis", /* GET of the key `bench` */
        TEXT("\r\nbench\r\n"),
        TEXT("$11\r\nhello world\r\n"),
        TEXT("$4\r\nstop\r\n"),
    },
};

struct caller {
    int fd;
    size_t received;
    uint64_t asked_at_ns; /* the last request; 0 before the first */
    char request[REQUEST_BYTES_MAX];
};

static const struct settings *settings;
static const struct language *language;
static struct caller listener; /* only its descriptor */
static uint32_t asking;        /* connections that have made a request */
static uint32_t stopped;

static void choose_language(void)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        if (strcmp(settings->protocol, languages[i].name) == 0)
            language = &languages[i];
    }
    if (language == NULL)
        fail("--protocol: '%s' has no answers", settings->protocol);
}

static void open_listener(const struct settings *own)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    settings = own;
    choose_language();
    raise_file_limit(settings->connections);
    listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&address, length) != 0 ||
        listen(listener.fd, SOMAXCONN) != 0 ||
        getsockname(listener.fd, (struct sockaddr *)&address, &length) != 0)
        fail_errno("the listener");
    loop_watch(listener.fd, EPOLLIN, &listener);
    (void)printf("port %u\n", ntohs(address.sin_port));
    if (fflush(stdout) != 0)
        fail_errno("standard output");
}

static void accept_all(void)
{
    const int on = 1;
    for (;;) {
        const int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && has_to_wait())
            return;
        if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            fail_errno("accept");
        struct caller *caller = allocate(1, sizeof *caller);
        caller->fd = fd;
        loop_watch(fd, EPOLLIN, caller);
    }
}

/* An answer is short, and its receiver waits for it: there is room. */
static void answer(const struct caller *caller, const char *text, size_t length)
{
    if (send(caller->fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail("an answer was not taken: %s", strerror(errno));
}

static void count(struct caller *caller)
{
    const uint64_t now = now_ns();
    if (caller->asked_at_ns == 0) {
        asking++;
        if (asking == settings->connections)
            measurement_ready();
    } else {
        measurement_add_timed(caller->asked_at_ns, now);
    }
    caller->asked_at_ns = now;
}

static void request_complete(struct caller *caller)
{
    caller->received = 0;
    count(caller);
    if (measurement_goes_on()) {
        answer(caller, language->answer, language->answer_bytes);
        return;
    }
    answer(caller, language->stop, language->stop_bytes);
    stopped++;
    if (stopped == settings->connections)
        measurement_drained();
}

static bool is_complete(const struct caller *caller)
{
    const size_t end = language->request_end_bytes;
    return caller->received >= end &&
           memcmp(caller->request + caller->received - end, language->request_end, end) == 0;
}

static void close_caller(struct caller *caller)
{
    if (measurement_goes_on())
        fail("the measured program closed a connection");
    (void)close(caller->fd); /* free() is left to the end of the program: an event may still name it */
}

static void receive(struct caller *caller)
{
    const size_t room = REQUEST_BYTES_MAX - caller->received;
    if (room == 0)
        fail("a request has more than %u bytes", REQUEST_BYTES_MAX);
    const ssize_t length = recv(caller->fd, caller->request + caller->received, room, 0);
    if (length < 0 && has_to_wait())
        return;
    if (length <= 0) {
        close_caller(caller);
        return;
    }
    caller->received += (size_t)length;
    if (is_complete(caller))
        request_complete(caller);
}

static void event(void *subject, uint32_t events)
{
    (void)events;
    if (subject == &listener)
        accept_all();
    else
        receive(subject);
}

const struct mode answer_mode = {
    .name = "answer",
    .open = open_listener,
    .event = event,
};
