/*
 * The phases of a measurement in every mode: the mode opens its connections; the load warms the server up,
 * is measured, and is drained, so that no connection ends in the middle of an operation. The result is one
 * line of JSON on standard output. If standard input ends before that, the program fails.
 */
#ifndef MEASUREMENT_H
#define MEASUREMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* `begin` and `drain` may be NULL. */
struct mode {
    const char *name;
    /* Opens the connections. It, or a later event, calls `measurement_ready`. */
    void (*open)(const struct settings *settings);
    /* Starts the load, when all connections are open. */
    void (*begin)(void);
    void (*event)(void *subject, uint32_t events);
    /* Ends the load. It, or a later event, calls `measurement_drained`. */
    void (*drain)(void);
};

void measurement_run(const struct settings *settings, const struct mode *mode);

void measurement_ready(void);
void measurement_drained(void);

/* True if new operations are to be started. */
bool measurement_goes_on(void);

/* True during the measurement itself. */
bool measuring(void);

/* Counts operations that have ended, if `measuring`. */
void measurement_add(uint64_t operations);

/* Counts one operation that has ended, and its latency. */
void measurement_add_timed(uint64_t began_ns, uint64_t now);

#endif
