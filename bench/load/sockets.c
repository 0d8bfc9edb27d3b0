#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "fail.h"

#define FIRST_SOURCE UINT32_C(0x7f000101) /* 127.0.1.1 */
#define SOURCES 64u
#define FILES_BESIDE_CONNECTIONS 16u

void raise_file_limit(uint32_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fail_errno("setrlimit");
    if (limit.rlim_cur < (rlim_t)connections + FILES_BESIDE_CONNECTIONS)
        fail("%" PRIu32 " connections need more open files than the hard limit allows", connections);
}

static void set_on(int fd, int level, int option, const char *what)
{
    const int on = 1;
    if (setsockopt(fd, level, option, &on, sizeof on) != 0)
        fail_errno(what);
}

/* Leaves the port to connect(), which knows the destination: a port can serve several destinations. */
static void bind_to_next_source(int fd)
{
    static uint32_t opened;
    const struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(FIRST_SOURCE + opened++ % SOURCES),
    };
    set_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT");
    if (bind(fd, (const struct sockaddr *)&source, sizeof source) != 0)
        fail_errno("bind");
}

int open_connection(uint16_t port)
{
    const struct sockaddr_in server = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail_errno("socket");
    bind_to_next_source(fd);
    set_on(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
    if (connect(fd, (const struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS &&
        errno != EINTR)
        fail_errno("connect");
    return fd;
}

bool has_to_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}
