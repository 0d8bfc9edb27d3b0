#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "clocks.h"
#include "exchange.h"
#include "fail.h"
#include "loop.h"
#include "modes.h"

#define NS_PER_CONNECTION (2 * NS_PER_MS)
#define NS_AT_LEAST (20 * NS_PER_S)

static const struct settings *settings;
static bool all_open;
static bool all_sent;
static bool held;
static uint32_t replies;
static uint64_t deadline_ns;
static struct mark begin;
static struct mark opened;

static void on_all_open(void)
{
    all_open = true;
}

static void print_held(void)
{
    const struct mark opening = mark_difference(&begin, &opened);
    const uint64_t everyone_ns = now_ns() - opened.at_ns;
    (void)printf("{\"openSeconds\":%.6f,\"openCpuNs\":%" PRIu64 ",\"everyoneSeconds\":%.6f}\n",
                 (double)opening.at_ns / (double)NS_PER_S, opening.server_cpu_ns,
                 (double)everyone_ns / (double)NS_PER_S);
    if (fflush(stdout) != 0)
        fail_errno("standard output");
}

static void on_reply(struct exchange *exchange, uint64_t sent_at_ns, uint64_t now)
{
    (void)exchange;
    (void)sent_at_ns;
    (void)now;
    replies++;
    if (replies < settings->connections)
        return;
    print_held();
    held = true;
    loop_wake_at(NEVER);
}

static void on_turn(uint64_t now)
{
    if (all_open && !all_sent) {
        all_sent = true;
        opened = mark_now();
        exchanges_send();
    }
    if (!held && now >= deadline_ns)
        fail("%" PRIu32 " connections were not open, with a message there and back, in time",
             settings->connections);
}

static void on_input_end(void)
{
    if (!held)
        fail("standard input ended before all connections were open");
    exchanges_close();
    loop_end();
}

static const struct exchange_handlers exchange_handlers = {.all_open = on_all_open, .reply = on_reply};
static const struct loop_handlers loop_handlers = {
    .event = exchange_event,
    .turn = on_turn,
    .input_end = on_input_end,
};

void hold_run(const struct settings *own)
{
    settings = own;
    loop_set_up(&loop_handlers);
    begin = mark_now();
    deadline_ns = begin.at_ns + NS_AT_LEAST + settings->connections * NS_PER_CONNECTION;
    loop_wake_at(deadline_ns);
    exchanges_open(settings, &exchange_handlers);
    loop_run();
}
