/*
 * TLS of one connection, by OpenSSL. It is only there if the program is compiled WITH_TLS; otherwise the
 * first call ends the program. The server's certificate is not verified.
 */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls;

/* Begins TLS on a socket. The handshake is part of the first calls that follow. */
struct tls *tls_open(int fd);

/*
 * As send() and recv() on a non-blocking socket, with errno: EAGAIN also if the handshake has to receive
 * before anything can be sent.
 */
ssize_t tls_send(struct tls *tls, const void *bytes, size_t length);
ssize_t tls_receive(struct tls *tls, void *bytes, size_t length);

/* True if the last call had to wait for room in the socket's buffer. */
bool tls_wants_room(const struct tls *tls);

void tls_free(struct tls *tls);

#endif
