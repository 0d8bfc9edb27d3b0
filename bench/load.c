/*
 * A closed-loop echo load generator: each connection sends one message, waits until all of it came back,
 * then sends the next. Linux, one thread, non-blocking sockets, level-triggered epoll.
 *
 * Phases: greeting, warm-up, measurement, linger, drain. Each connection's first message is its greeting;
 * the load begins when all were answered, since a loaded server may take long to accept the last of its
 * connections. "measure" and "done" on standard output mark the measurement's ends. The load goes on through
 * linger: whoever samples the server at these marks sees it equally busy at both. Linger ends when standard
 * input does (at once where epoll cannot watch it). Drain waits for the outstanding replies, so that no
 * connection ends by a reset. The result is one line of JSON.
 *
 * Standard input is also the lifeline: if it ends before the measurement does, the program fails.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

#define CONNECTIONS_MAX 100000u
#define MESSAGE_BYTES_MAX (16u << 20)
#define PHASE_MS_MAX 600000u
#define CONNECT_MS_MAX 5000
#define GREETING_NS_MAX (5 * NS_PER_S)
#define LINGER_NS_MAX (2 * NS_PER_S)
#define DRAIN_NS_MAX (2 * NS_PER_S)
#define EVENTS_PER_WAIT 256

/* Each connection's message starts elsewhere in a pattern of this period; prime, so no usual size fits it. */
#define PATTERN_PERIOD 251u

/* ---- failure ------------------------------------------------------------------------------------------- */

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("load: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static _Noreturn void fail_errno(const char *what)
{
    fail("%s: %s", what, strerror(errno));
}

/* ---- latency histogram: log-linear, 64 buckets to each power of two, so within 1.6 % ------------------- */

#define SUB_BITS 6u
#define SUB_BUCKETS (1u << SUB_BITS)
#define BUCKETS ((64u - SUB_BITS + 1u) * SUB_BUCKETS)

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t count;
    uint64_t max_ns;
};

static size_t bucket_of(uint64_t ns)
{
    if (ns < SUB_BUCKETS)
        return (size_t)ns;
    const unsigned exponent = 63u - (unsigned)__builtin_clzll(ns);
    const unsigned shift = exponent - SUB_BITS;
    return (size_t)(shift + 1u) * SUB_BUCKETS + (size_t)((ns >> shift) - SUB_BUCKETS);
}

static double bucket_middle(size_t bucket)
{
    if (bucket < SUB_BUCKETS)
        return (double)bucket;
    const unsigned shift = (unsigned)(bucket / SUB_BUCKETS) - 1u;
    const double width = (double)(UINT64_C(1) << shift);
    return ((double)(bucket % SUB_BUCKETS + SUB_BUCKETS) + 0.5) * width;
}

static void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

static double histogram_quantile_us(const struct histogram *histogram, unsigned percent)
{
    const uint64_t rank = (histogram->count * percent + 99u) / 100u;
    const double max_ns = (double)histogram->max_ns;
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= rank) {
            const double ns = bucket_middle(bucket);
            return (ns < max_ns ? ns : max_ns) / 1e3;
        }
    }
    return max_ns / 1e3;
}

/* ---- state --------------------------------------------------------------------------------------------- */

enum phase { GREETING, WARM_UP, MEASURE, LINGER, DRAIN };

struct connection {
    int fd;
    bool wants_write;    /* the rest of the message waits for room in the socket's buffer */
    bool greeted;        /* the first message came back; every byte of it was compared */
    size_t sent;         /* bytes of the current message */
    size_t received;     /* bytes of its reply */
    uint64_t sent_at_ns; /* when the current message was handed over */
    const unsigned char *message;
};

struct settings {
    const char *host;
    uint16_t port;
    uint32_t connections;
    size_t size;
    uint64_t warmup_ns;
    uint64_t measure_ns;
};

struct load {
    struct settings settings;
    int epoll;
    bool lifeline; /* epoll watches standard input */
    enum phase phase;
    uint64_t phase_end_ns;
    uint64_t measure_start_ns;
    uint64_t measured_ns;
    uint32_t open;
    uint32_t greeted;
    struct connection *connections;
    unsigned char *pattern;
    unsigned char *reply; /* shared: a reply is compared as it arrives and not kept */
    struct histogram latency;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        fail_errno("clock_gettime");
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static size_t index_of(const struct load *load, const struct connection *connection)
{
    return (size_t)(connection - load->connections);
}

static void print_line(const char *line)
{
    if (puts(line) == EOF || fflush(stdout) != 0)
        fail_errno("standard output");
}

/* ---- one connection ------------------------------------------------------------------------------------ */

static void watch(const struct load *load, struct connection *connection, int operation, bool wants_write)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = connection}};
    if (wants_write)
        event.events |= (uint32_t)EPOLLOUT;
    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0)
        fail_errno("epoll_ctl");
    connection->wants_write = wants_write;
}

static void send_rest(const struct load *load, struct connection *connection)
{
    const size_t size = load->settings.size;
    while (connection->sent < size) {
        const unsigned char *rest = connection->message + connection->sent;
        const ssize_t taken = send(connection->fd, rest, size - connection->sent, MSG_NOSIGNAL);
        if (taken >= 0) {
            connection->sent += (size_t)taken;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            fail("connection %zu: send: %s", index_of(load, connection), strerror(errno));
        }
    }
    const bool wants_write = connection->sent < size;
    if (wants_write != connection->wants_write)
        watch(load, connection, EPOLL_CTL_MOD, wants_write);
}

static void start_message(const struct load *load, struct connection *connection, uint64_t now)
{
    connection->sent = 0;
    connection->received = 0;
    connection->sent_at_ns = now;
    send_rest(load, connection);
}

/* `length` bytes of the reply are in load->reply; those before them are in connection->received. */
static void check_reply(const struct load *load, const struct connection *connection, size_t length)
{
    const unsigned char *expected = connection->message + connection->received;
    const bool has_first = connection->received == 0;
    const bool has_last = connection->received + length == load->settings.size;
    if (connection->received + length > connection->sent)
        fail("connection %zu: the reply is ahead of the message", index_of(load, connection));
    const bool wrong = (has_first && load->reply[0] != expected[0]) ||
                       (has_last && load->reply[length - 1] != expected[length - 1]) ||
                       (!connection->greeted && memcmp(load->reply, expected, length) != 0);
    if (wrong)
        fail("connection %zu: the reply differs from the message, at or after byte %zu",
             index_of(load, connection), connection->received);
}

static void reply_complete(struct load *load, struct connection *connection)
{
    const uint64_t now = now_ns();
    if (load->phase == GREETING) {
        connection->greeted = true;
        load->greeted++;
        return;
    }
    if (load->phase == MEASURE)
        histogram_add(&load->latency, now - connection->sent_at_ns);
    if (load->phase != DRAIN) {
        start_message(load, connection, now);
        return;
    }
    if (close(connection->fd) != 0 && errno != EINTR)
        fail_errno("close");
    connection->fd = -1;
    load->open--;
}

static void receive(struct load *load, struct connection *connection)
{
    const size_t wanted = load->settings.size - connection->received;
    const ssize_t length = recv(connection->fd, load->reply, wanted, 0);
    if (length < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return; /* level-triggered: epoll tells again */
        fail("connection %zu: recv: %s", index_of(load, connection), strerror(errno));
    }
    if (length == 0)
        fail("connection %zu: the server closed it, %zu bytes into a reply", index_of(load, connection),
             connection->received);
    check_reply(load, connection, (size_t)length);
    connection->received += (size_t)length;
    if (connection->received == load->settings.size)
        reply_complete(load, connection);
}

/* ---- phases -------------------------------------------------------------------------------------------- */

/* A message outstanding for the whole measurement is lost: a connection that stalls is not a slow one. */
static void check_progress(const struct load *load)
{
    for (uint32_t i = 0; i < load->settings.connections; i++) {
        const struct connection *connection = &load->connections[i];
        if (connection->sent_at_ns < load->measure_start_ns)
            fail("connection %" PRIu32 ": no whole reply during the measurement (%zu of %zu bytes)", i,
                 connection->received, load->settings.size);
    }
    if (load->latency.count == 0)
        fail("no message was completed during the measurement");
}

static void begin_drain(struct load *load, uint64_t now)
{
    load->phase = DRAIN;
    load->phase_end_ns = now + DRAIN_NS_MAX;
}

static void begin_warm_up(struct load *load, uint64_t now)
{
    load->phase = WARM_UP;
    load->phase_end_ns = now + load->settings.warmup_ns;
    for (uint32_t i = 0; i < load->settings.connections; i++)
        start_message(load, &load->connections[i], now_ns());
}

static void next_phase(struct load *load, uint64_t now)
{
    switch (load->phase) {
    case GREETING:
        fail("%" PRIu32 " connections had no reply to their first message", load->open - load->greeted);
    case WARM_UP:
        print_line("measure");
        load->phase = MEASURE;
        load->measure_start_ns = now;
        load->phase_end_ns = now + load->settings.measure_ns;
        break;
    case MEASURE:
        print_line("done");
        load->measured_ns = now - load->measure_start_ns;
        check_progress(load);
        load->phase = LINGER;
        load->phase_end_ns = now + (load->lifeline ? LINGER_NS_MAX : 0);
        break;
    case LINGER:
        begin_drain(load, now);
        break;
    case DRAIN:
        fail("%" PRIu32 " connections still waited for a reply when the drain's time was over", load->open);
    }
}

static void standard_input(struct load *load)
{
    char ignored[64];
    const ssize_t length = read(STDIN_FILENO, ignored, sizeof ignored);
    if (length > 0 || (length < 0 && errno == EINTR))
        return;
    if (length < 0)
        fail_errno("standard input");
    if (load->phase != LINGER)
        fail("standard input ended before the measurement");
    if (epoll_ctl(load->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL) != 0)
        fail_errno("epoll_ctl");
    begin_drain(load, now_ns());
}

static int wait_ms(const struct load *load)
{
    const uint64_t now = now_ns();
    if (now >= load->phase_end_ns)
        return 0;
    return (int)((load->phase_end_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    while (load->open > 0) {
        const int count = epoll_wait(load->epoll, events, EVENTS_PER_WAIT, wait_ms(load));
        if (count < 0 && errno != EINTR)
            fail_errno("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                standard_input(load);
                continue;
            }
            if (connection->wants_write && (events[i].events & (uint32_t)EPOLLOUT) != 0)
                send_rest(load, connection);
            if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
                receive(load, connection);
        }
        const uint64_t now = now_ns();
        if (load->phase == GREETING && load->greeted == load->settings.connections)
            begin_warm_up(load, now);
        if (load->open > 0 && now >= load->phase_end_ns)
            next_phase(load, now);
    }
}

/* ---- setting up ---------------------------------------------------------------------------------------- */

static void raise_file_limit(uint32_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("setrlimit");
    if (limit.rlim_cur < (rlim_t)connections + 16)
        fail("%" PRIu32 " connections need more open files than the hard limit allows", connections);
}

static void await_connect(int fd)
{
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    int ready;
    do {
        ready = poll(&waiting, 1, CONNECT_MS_MAX);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0)
        fail_errno("poll");
    if (ready == 0)
        fail("connect: no answer within %d ms", CONNECT_MS_MAX);
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        fail_errno("getsockopt");
    if (error != 0)
        fail("connect: %s", strerror(error));
}

static int open_connection(const struct sockaddr_in *address)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail_errno("socket");
    const int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        fail_errno("TCP_NODELAY");
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            fail_errno("connect");
        await_connect(fd);
    }
    return fd;
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        fail_errno("calloc");
    return memory;
}

static void open_connections(struct load *load)
{
    const struct settings *settings = &load->settings;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings->port)};
    if (inet_pton(AF_INET, settings->host, &address.sin_addr) != 1)
        fail("--host: '%s' is not an IPv4 address", settings->host);

    load->connections = allocate(settings->connections, sizeof *load->connections);
    for (uint32_t i = 0; i < settings->connections; i++) {
        struct connection *connection = &load->connections[i];
        connection->fd = open_connection(&address);
        connection->message = load->pattern + i % PATTERN_PERIOD;
        watch(load, connection, EPOLL_CTL_ADD, false);
        load->open++;
    }
}

static void set_up(struct load *load)
{
    raise_file_limit(load->settings.connections);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0)
        fail_errno("epoll_create1");

    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    load->lifeline = epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) == 0;
    if (!load->lifeline && errno != EPERM && errno != EBADF) /* a file, or closed */
        fail_errno("epoll_ctl: standard input");

    const size_t pattern_bytes = load->settings.size + PATTERN_PERIOD;
    load->pattern = allocate(pattern_bytes, 1);
    for (size_t i = 0; i < pattern_bytes; i++)
        load->pattern[i] = (unsigned char)(i % PATTERN_PERIOD);
    load->reply = allocate(load->settings.size, 1);
    open_connections(load);
}

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max)
        fail("%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, option, text, min, max);
    return value;
}

static struct settings parse(int argc, char **argv)
{
    struct settings settings = {.host = "127.0.0.1", .connections = 1, .size = 64, .measure_ns = NS_PER_S};
    for (int i = 1; i < argc; i += 2) {
        const char *option = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            fail("%s: needs a value", option);
        else if (strcmp(option, "--host") == 0)
            settings.host = value;
        else if (strcmp(option, "--port") == 0)
            settings.port = (uint16_t)number(option, value, 1, UINT16_MAX);
        else if (strcmp(option, "--connections") == 0)
            settings.connections = (uint32_t)number(option, value, 1, CONNECTIONS_MAX);
        else if (strcmp(option, "--size") == 0)
            settings.size = (size_t)number(option, value, 1, MESSAGE_BYTES_MAX);
        else if (strcmp(option, "--warmup-ms") == 0)
            settings.warmup_ns = number(option, value, 0, PHASE_MS_MAX) * NS_PER_MS;
        else if (strcmp(option, "--measure-ms") == 0)
            settings.measure_ns = number(option, value, 1, PHASE_MS_MAX) * NS_PER_MS;
        else
            fail("%s: unknown option", option);
    }
    if (settings.port == 0)
        fail("--port is missing");
    return settings;
}

int main(int argc, char **argv)
{
    static struct load load;
    load.settings = parse(argc, argv);
    set_up(&load);

    load.phase = GREETING;
    load.phase_end_ns = now_ns() + GREETING_NS_MAX;
    for (uint32_t i = 0; i < load.settings.connections; i++)
        start_message(&load, &load.connections[i], now_ns());
    run(&load);

    if (printf("{\"messages\":%" PRIu64 ",\"seconds\":%.6f,\"p50Us\":%.3f,\"p99Us\":%.3f,\"maxUs\":%.3f}\n",
               load.latency.count, (double)load.measured_ns / (double)NS_PER_S,
               histogram_quantile_us(&load.latency, 50), histogram_quantile_us(&load.latency, 99),
               (double)load.latency.max_ns / 1e3) < 0 ||
        fflush(stdout) != 0)
        fail_errno("standard output");
    free(load.connections);
    free(load.pattern);
    free(load.reply);
    return 0;
}
