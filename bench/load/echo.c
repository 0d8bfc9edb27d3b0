#include <stddef.h>

#include "exchange.h"
#include "modes.h"

static void on_reply(struct exchange *exchange, uint64_t sent_at_ns, uint64_t now)
{
    measurement_add_timed(sent_at_ns, now);
    if (measurement_goes_on()) {
        exchange_send(exchange, now);
        return;
    }
    exchange_close(exchange);
    if (exchanges_still_open() == 0)
        measurement_drained();
}

static const struct exchange_handlers handlers = {.all_open = measurement_ready, .reply = on_reply};

static void open_all(const struct settings *settings)
{
    exchanges_open(settings, &handlers);
}

const struct mode echo_mode = {
    .name = "echo",
    .open = open_all,
    .begin = exchanges_send,
    .event = exchange_event,
};
