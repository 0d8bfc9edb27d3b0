/* Connections to the server at 127.0.0.1. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* As many files as the hard limit allows, which must be enough for so many connections. */
void raise_file_limit(uint32_t connections);

/*
 * Begins to connect and gives a non-blocking socket. The source addresses go round in 127.0.1.0/24: each of
 * them has its own ports, so that neither many connections at once nor many one after the other, whose
 * ports rest in TIME_WAIT, use them up.
 */
int open_connection(uint16_t port);

/* Whether a send or recv that failed only has to wait; errno says why it failed. */
bool has_to_wait(void);

#endif
