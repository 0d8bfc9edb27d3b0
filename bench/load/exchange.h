/*
 * Connections that exchange messages with a server. Each of them sends a message and receives the whole
 * reply before it sends the next. The first message is its greeting. Without a protocol (protocol.h) the
 * replies are echoes: every byte of the greeting's is compared, and of later ones the first and the last byte
 * of each piece. A limited number of connections wait for the reply to their greeting at once, because a
 * listener's backlog is short.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct exchange;

struct exchange_handlers {
    /* Every connection has received the reply to its greeting. */
    void (*all_open)(void);
    /* The whole reply to a message that was sent at `sent_at_ns` has arrived. */
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
