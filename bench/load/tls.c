#include "tls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fail.h"

#ifdef WITH_TLS

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Only a name: a `struct tls` is an SSL. */
static SSL *ssl_of(const struct tls *tls)
{
    return (SSL *)(uintptr_t)tls;
}

static _Noreturn void fail_tls(const char *what)
{
    fail("TLS: %s: %s", what, ERR_error_string(ERR_get_error(), NULL));
}

static SSL_CTX *context(void)
{
    static SSL_CTX *context;
    if (context != NULL)
        return context;
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        fail_tls("no context");
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

struct tls *tls_open(int fd)
{
    SSL *ssl = SSL_new(context());
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        fail_tls("no connection");
    SSL_set_connect_state(ssl);
    return (struct tls *)ssl;
}

/* Returns what recv() or send() would return. */
static ssize_t outcome(const struct tls *tls, int result, const char *what)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(ssl_of(tls), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        fail("TLS: %s: %s", what, errno == 0 ? "the server closed the connection" : strerror(errno));
    default:
        fail_tls(what);
    }
}

ssize_t tls_send(struct tls *tls, const void *bytes, size_t length)
{
    return outcome(tls, SSL_write(ssl_of(tls), bytes, (int)length), "send");
}

ssize_t tls_receive(struct tls *tls, void *bytes, size_t length)
{
    return outcome(tls, SSL_read(ssl_of(tls), bytes, (int)length), "receive");
}

bool tls_wants_room(const struct tls *tls)
{
    return SSL_want_write(ssl_of(tls));
}

void tls_free(struct tls *tls)
{
    SSL_free(ssl_of(tls));
}

#else

static _Noreturn void fail_without_tls(void)
{
    fail("this program was compiled without TLS");
}

struct tls *tls_open(int fd)
{
    (void)fd;
    fail_without_tls();
}

ssize_t tls_send(struct tls *tls, const void *bytes, size_t length)
{
    (void)tls, (void)bytes, (void)length;
    fail_without_tls();
}

ssize_t tls_receive(struct tls *tls, void *bytes, size_t length)
{
    (void)tls, (void)bytes, (void)length;
    fail_without_tls();
}

bool tls_wants_room(const struct tls *tls)
{
    (void)tls;
    fail_without_tls();
}

void tls_free(struct tls *tls)
{
    (void)tls;
    fail_without_tls();
}

#endif
