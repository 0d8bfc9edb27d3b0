/*
 * The reference of the ratios: a plain server in C on the system's own interface. Level-triggered epoll, one
 * thread, non-blocking sockets, one buffer for all connections. Bytes that a connection does not take at
 * once wait in a backlog of its own; until it is empty, the connection is not read.
 *
 *     epoll echo | send | discard
 *
 * It listens on 127.0.0.1, prints "port <number>", and ends when standard input does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)64 * 1024)
#define EVENTS_PER_WAIT 256
#define ACCEPTS_PER_EVENT 64
#define SENDS_PER_EVENT 16
#define BACKLOG 4096

enum mode { ECHO, SEND, DISCARD };

struct connection {
    int fd;
    size_t position;        /* SEND: where in the buffer the stream is */
    unsigned char *backlog; /* ECHO: what send() did not take, or NULL */
    size_t backlog_bytes;
    size_t backlog_sent;
};

static enum mode mode;
static int epoll;
static int listener;
static unsigned char buffer[BUFFER_BYTES];

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "bench server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool has_to_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void watch(int operation, int fd, uint32_t events, void *subject)
{
    struct epoll_event event = {.events = events, .data = {.ptr = subject}};
    if (epoll_ctl(epoll, operation, fd, &event) != 0)
        fail("epoll_ctl");
}

static void end_connection(struct connection *connection)
{
    (void)close(connection->fd);
    free(connection->backlog);
    free(connection);
}

/* A failed connection makes the benchmark fail; but in mode SEND the reader goes away at any time. */
static void connection_failed(struct connection *connection, const char *what)
{
    if (mode != SEND)
        fail(what);
    end_connection(connection);
}

/* Returns the bytes that send() took; 0 if it has to wait, −1 if the connection is over. */
static ssize_t send_some(struct connection *connection, const unsigned char *data, size_t bytes)
{
    const ssize_t taken = send(connection->fd, data, bytes, MSG_NOSIGNAL);
    if (taken >= 0)
        return taken;
    if (has_to_wait())
        return 0;
    connection_failed(connection, "send");
    return -1;
}

static void keep(struct connection *connection, const unsigned char *rest, size_t bytes)
{
    connection->backlog = malloc(bytes);
    if (connection->backlog == NULL)
        fail("malloc");
    memcpy(connection->backlog, rest, bytes);
    connection->backlog_bytes = bytes;
    connection->backlog_sent = 0;
    watch(EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
}

static void send_backlog(struct connection *connection)
{
    const unsigned char *rest = connection->backlog + connection->backlog_sent;
    const ssize_t taken =
        send_some(connection, rest, connection->backlog_bytes - connection->backlog_sent);
    if (taken < 0)
        return;
    connection->backlog_sent += (size_t)taken;
    if (connection->backlog_sent < connection->backlog_bytes)
        return;
    free(connection->backlog);
    connection->backlog = NULL;
    watch(EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
}

static void send_stream(struct connection *connection)
{
    for (int i = 0; i < SENDS_PER_EVENT; i++) {
        const ssize_t taken =
            send_some(connection, buffer + connection->position, BUFFER_BYTES - connection->position);
        if (taken <= 0)
            return;
        connection->position = (connection->position + (size_t)taken) % BUFFER_BYTES;
    }
}

static void receive(struct connection *connection)
{
    const ssize_t length = recv(connection->fd, buffer, sizeof buffer, 0);
    if (length < 0) {
        if (!has_to_wait())
            connection_failed(connection, "recv");
        return;
    }
    if (length == 0) {
        end_connection(connection);
        return;
    }
    if (mode != ECHO)
        return;
    const ssize_t taken = send_some(connection, buffer, (size_t)length);
    if (taken >= 0 && taken < length)
        keep(connection, buffer + taken, (size_t)(length - taken));
}

static void serve(struct connection *connection, uint32_t events)
{
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && connection->backlog == NULL)
        receive(connection);
    else if (connection->backlog != NULL)
        send_backlog(connection);
    else
        send_stream(connection);
}

static void accept_connections(void)
{
    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (!has_to_wait())
                fail("accept4");
            return;
        }
        const int on = 1;
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
            fail("TCP_NODELAY");
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL)
            fail("calloc");
        connection->fd = fd;
        watch(EPOLL_CTL_ADD, fd, mode == SEND ? EPOLLIN | EPOLLOUT : EPOLLIN, connection);
    }
}

static void begin_to_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        fail("socket");
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("bind");
    if (listen(listener, BACKLOG) != 0)
        fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        fail("getsockname");
    if (printf("port %u\n", (unsigned)ntohs(address.sin_port)) < 0 || fflush(stdout) != 0)
        fail("standard output");
}

/* Ends the program when standard input ends. */
static void standard_input(void)
{
    char ignored[64];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
        exit(0);
}

static enum mode mode_of(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        return ECHO;
    if (argc == 2 && strcmp(argv[1], "send") == 0)
        return SEND;
    if (argc == 2 && strcmp(argv[1], "discard") == 0)
        return DISCARD;
    (void)fputs("bench server: what to serve: echo, send or discard\n", stderr);
    exit(1);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    mode = mode_of(argc, argv);
    for (size_t i = 0; i < BUFFER_BYTES; i++)
        buffer[i] = (unsigned char)(i % 256);

    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        fail("epoll_create1");
    begin_to_listen();
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, &epoll);
    for (;;) {
        const int count = epoll_wait(epoll, events, EVENTS_PER_WAIT, -1);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &listener)
                accept_connections();
            else if (events[i].data.ptr == &epoll)
                standard_input();
            else
                serve(events[i].data.ptr, events[i].events);
        }
    }
}
