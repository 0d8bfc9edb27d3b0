#include "measurement.h"

#include <inttypes.h>
#include <stdio.h>

#include "clocks.h"
#include "fail.h"
#include "histogram.h"
#include "loop.h"

#define OPEN_NS_MAX (20 * NS_PER_S)
#define DRAIN_NS_MAX (5 * NS_PER_S)

enum phase { OPENING, WARM_UP, MEASURE, DRAIN };

static enum phase phase;
static const struct settings *settings;
static const struct mode *mode;
static bool ready;
static uint64_t phase_end_ns;
static struct mark first;
static struct mark last;
static uint64_t operations;
static struct histogram latency;

static void enter(enum phase next, uint64_t ns)
{
    phase = next;
    phase_end_ns = now_ns() + ns;
    loop_wake_at(phase_end_ns);
}

void measurement_ready(void)
{
    ready = true;
    loop_wake_at(0); /* the next turn begins */
}

bool measurement_goes_on(void)
{
    return phase != DRAIN;
}

bool measuring(void)
{
    return phase == MEASURE;
}

void measurement_add(uint64_t count)
{
    if (phase == MEASURE)
        operations += count;
}

/*
 * An operation that was under way during the whole measurement counts as the latest of all, although it was
 * not completed in it.
 */
void measurement_add_timed(uint64_t began_ns, uint64_t now)
{
    measurement_add(1);
    if (phase == MEASURE || (phase == DRAIN && began_ns < first.at_ns))
        histogram_add(&latency, now - began_ns);
}

void measurement_drained(void)
{
    loop_end();
}

static void next_phase(void)
{
    switch (phase) {
    case OPENING:
        fail("the connections did not come about within %d s", (int)(OPEN_NS_MAX / NS_PER_S));
    case WARM_UP:
        first = mark_now();
        enter(MEASURE, settings->measure_ns);
        break;
    case MEASURE:
        last = mark_now();
        if (operations == 0)
            fail("nothing was completed during the measurement");
        enter(DRAIN, DRAIN_NS_MAX);
        if (mode->drain != NULL)
            mode->drain();
        break;
    case DRAIN:
        fail("replies were still missing when the time to wait for them was over");
    }
}

static void turn(uint64_t now)
{
    if (phase == OPENING && ready) {
        enter(WARM_UP, settings->warmup_ns);
        if (mode->begin != NULL)
            mode->begin();
    } else if (now >= phase_end_ns) {
        next_phase();
    }
}

static void input_end(void)
{
    fail("standard input ended before the measurement");
}

static void print_result(void)
{
    const struct mark spent = mark_difference(&first, &last);
    (void)printf("{\"operations\":%" PRIu64 ",\"seconds\":%.6f,\"serverCpuNs\":%" PRIu64
                 ",\"serverUserTicks\":%" PRIu64 ",\"serverSystemTicks\":%" PRIu64 ",\"loadCpuNs\":%" PRIu64,
                 operations, (double)spent.at_ns / (double)NS_PER_S, spent.server_cpu_ns,
                 spent.server_user_ticks, spent.server_system_ticks, spent.own_cpu_ns);
    if (latency.count > 0)
        (void)printf(",\"p50Us\":%.3f,\"p99Us\":%.3f,\"maxUs\":%.3f", histogram_quantile_us(&latency, 50),
                     histogram_quantile_us(&latency, 99), (double)latency.max_ns / 1e3);
    (void)puts("}");
    if (fflush(stdout) != 0)
        fail_errno("standard output");
}

void measurement_run(const struct settings *own_settings, const struct mode *own_mode)
{
    static struct loop_handlers handlers = {.turn = turn, .input_end = input_end};
    settings = own_settings;
    mode = own_mode;
    handlers.event = mode->event;
    loop_set_up(&handlers);
    enter(OPENING, OPEN_NS_MAX);
    mode->open(settings);
    loop_run();
    print_result();
}
