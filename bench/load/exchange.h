/*
 * Connections that exchange messages with an echo server: each sends a message and has all of it back
 * before it sends the next. The first is its greeting, of which every byte is compared; of later ones the
 * first and the last byte of each piece. Only so many connections at once wait for the answer to their
 * greeting, because a listener's backlog is short.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct exchange;

struct exchange_handlers {
    /* Each connection has had the answer to its greeting. */
    void (*all_open)(void);
    /* A message that was sent at that time came back whole. */
    void (*reply)(struct exchange *exchange, uint64_t sent_at_ns, uint64_t now);
};

void exchanges_open(const struct settings *settings, const struct exchange_handlers *handlers);
void exchange_event(void *subject, uint32_t events);
void exchange_send(struct exchange *exchange, uint64_t now);
void exchanges_send(void);
void exchange_close(struct exchange *exchange);
void exchanges_close(void);
uint32_t exchanges_still_open(void);

#endif
