#define _GNU_SOURCE
#include "exchange.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clocks.h"
#include "fail.h"
#include "loop.h"
#include "protocol.h"
#include "sockets.h"
#include "tls.h"

#define GREETINGS_AT_ONCE 100u

/* Each connection's message starts at another offset of a pattern with this period, a prime. */
#define PATTERN_PERIOD 251u

struct exchange {
    int fd;
    bool wants_write;    /* the rest of the message waits for room in the socket's buffer */
    bool greeted;        /* the first message came back */
    size_t sent;         /* bytes of the current message */
    size_t received;     /* bytes of its reply */
    uint64_t sent_at_ns; /* when the current message was handed over */
    struct bytes message;
    struct tls *tls; /* NULL without TLS */
    char *kept;      /* with a protocol: the reply so far, and a NUL */
};

static const struct settings *settings;
static const struct exchange_handlers *handlers;
static const struct protocol *protocol; /* NULL for plain echoes */
static struct exchange *exchanges;
static uint32_t opened;
static uint32_t greeted;
static uint32_t still_open;
static unsigned char *pattern;
static unsigned char *reply; /* shared: a reply is compared as it arrives and not kept */

static size_t index_of(const struct exchange *exchange)
{
    return (size_t)(exchange - exchanges);
}

static void want_write(struct exchange *exchange, bool wants)
{
    if (wants == exchange->wants_write)
        return;
    loop_watch_for(exchange->fd, wants ? EPOLLIN | EPOLLOUT : EPOLLIN, exchange);
    exchange->wants_write = wants;
}

static ssize_t send_some(const struct exchange *exchange, const unsigned char *bytes, size_t length)
{
    if (exchange->tls != NULL)
        return tls_send(exchange->tls, bytes, length);
    return send(exchange->fd, bytes, length, MSG_NOSIGNAL);
}

static ssize_t receive_some(const struct exchange *exchange, void *bytes, size_t length)
{
    if (exchange->tls != NULL)
        return tls_receive(exchange->tls, bytes, length);
    return recv(exchange->fd, bytes, length, 0);
}

static bool has_rest(const struct exchange *exchange)
{
    return exchange->sent < exchange->message.length;
}

static void send_rest(struct exchange *exchange)
{
    while (has_rest(exchange)) {
        const unsigned char *rest = exchange->message.at + exchange->sent;
        const ssize_t taken = send_some(exchange, rest, exchange->message.length - exchange->sent);
        if (taken >= 0)
            exchange->sent += (size_t)taken;
        else if (has_to_wait())
            break;
        else
            fail("connection %zu: send: %s", index_of(exchange), strerror(errno));
    }
    want_write(exchange, has_rest(exchange) && (exchange->tls == NULL || tls_wants_room(exchange->tls)));
}

void exchange_send(struct exchange *exchange, uint64_t now)
{
    exchange->sent = 0;
    exchange->received = 0;
    exchange->sent_at_ns = now;
    if (protocol != NULL)
        exchange->message = exchange->greeted ? protocol->message() : protocol->greeting();
    send_rest(exchange);
}

/* Opens connections up to the limit of greetings at once. */
static void open_more(void)
{
    while (opened < settings->connections && opened - greeted < GREETINGS_AT_ONCE) {
        struct exchange *exchange = &exchanges[opened];
        exchange->fd = open_connection(settings->port);
        exchange->tls = settings->tls ? tls_open(exchange->fd) : NULL;
        if (protocol == NULL)
            exchange->message = (struct bytes){pattern + opened % PATTERN_PERIOD, settings->size};
        else
            exchange->kept = allocate(KEPT_BYTES_MAX + 1, 1);
        loop_watch(exchange->fd, EPOLLIN, exchange);
        opened++;
        still_open++;
        exchange_send(exchange, now_ns());
    }
}

void exchanges_open(const struct settings *own_settings, const struct exchange_handlers *own_handlers)
{
    settings = own_settings;
    handlers = own_handlers;
    protocol = protocol_of(settings);
    raise_file_limit(settings->connections);
    exchanges = allocate(settings->connections, sizeof *exchanges);
    reply = allocate(settings->size, 1);
    const size_t pattern_bytes = settings->size + PATTERN_PERIOD;
    pattern = allocate(pattern_bytes, 1);
    for (size_t i = 0; i < pattern_bytes; i++)
        pattern[i] = (unsigned char)(i % PATTERN_PERIOD);
    open_more();
}

/* Checks the `length` bytes in `reply`, which follow the first exchange->received bytes of the echo. */
static void check_reply(const struct exchange *exchange, size_t length)
{
    const unsigned char *expected = exchange->message.at + exchange->received;
    if (exchange->received + length > exchange->sent)
        fail("connection %zu: the reply is ahead of the message", index_of(exchange));
    const bool wrong = reply[0] != expected[0] || reply[length - 1] != expected[length - 1] ||
                       (!exchange->greeted && memcmp(reply, expected, length) != 0);
    if (wrong)
        fail("connection %zu: the reply differs from the message, at or after byte %zu", index_of(exchange),
             exchange->received);
}

static void reply_complete(struct exchange *exchange)
{
    if (exchange->greeted) {
        handlers->reply(exchange, exchange->sent_at_ns, now_ns());
        return;
    }
    exchange->greeted = true;
    greeted++;
    open_more();
    if (greeted == settings->connections)
        handlers->all_open();
}

/* Returns true if the `length` bytes that were received complete the reply. */
static bool completes_echo(struct exchange *exchange, size_t length)
{
    check_reply(exchange, length);
    exchange->received += length;
    return exchange->received == settings->size;
}

static bool completes_reply(struct exchange *exchange, size_t length)
{
    exchange->received += length;
    exchange->kept[exchange->received] = '\0';
    const size_t total = exchange->greeted ? protocol->reply(exchange->kept, exchange->received)
                                           : protocol->greeting_reply(exchange->kept, exchange->received);
    if (total > 0 && total < exchange->received)
        fail("connection %zu: the server sent more than the reply", index_of(exchange));
    return total > 0;
}

static void receive(struct exchange *exchange)
{
    const size_t wanted = (protocol == NULL ? settings->size : KEPT_BYTES_MAX) - exchange->received;
    if (wanted == 0)
        fail("connection %zu: the server sent more than the reply, or closed it", index_of(exchange));
    void *into = protocol == NULL ? (void *)reply : exchange->kept + exchange->received;
    const ssize_t length = receive_some(exchange, into, wanted);
    if (length < 0) {
        if (has_to_wait())
            return; /* level-triggered: epoll tells again */
        fail("connection %zu: recv: %s", index_of(exchange), strerror(errno));
    }
    if (length == 0)
        fail("connection %zu: the server closed it, %zu bytes into a reply", index_of(exchange),
             exchange->received);
    if (protocol == NULL ? completes_echo(exchange, (size_t)length)
                         : completes_reply(exchange, (size_t)length))
        reply_complete(exchange);
}

void exchange_event(void *subject, uint32_t events)
{
    struct exchange *exchange = subject;
    const bool has_room = exchange->wants_write && (events & (uint32_t)EPOLLOUT) != 0;
    if (has_room || (exchange->tls != NULL && has_rest(exchange)))
        send_rest(exchange);
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        receive(exchange);
}

void exchanges_send(void)
{
    for (uint32_t i = 0; i < settings->connections; i++)
        exchange_send(&exchanges[i], now_ns());
}

void exchange_close(struct exchange *exchange)
{
    if (exchange->tls != NULL)
        tls_free(exchange->tls);
    if (close(exchange->fd) != 0 && errno != EINTR)
        fail_errno("close");
    exchange->fd = -1;
    still_open--;
}

void exchanges_close(void)
{
    for (uint32_t i = 0; i < settings->connections; i++)
        exchange_close(&exchanges[i]);
}

uint32_t exchanges_still_open(void)
{
    return still_open;
}
