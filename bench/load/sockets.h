/* Connections to the server at 127.0.0.1. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* Raises the limit of open files to the hard limit, which must be enough for `connections`. */
void raise_file_limit(uint32_t connections);

/*
 * Begins to connect and returns a non-blocking socket. The source addresses take turns in 127.0.1.0/24. Each
 * of them has its own ports, so that there are enough for many connections at once and for those in
 * TIME_WAIT.
 */
int open_connection(uint16_t port);

/* True if errno says that the last send or recv only has to wait. */
bool has_to_wait(void);

#endif
