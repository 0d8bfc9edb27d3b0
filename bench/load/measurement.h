/*
 * The phases of a measurement, whatever is measured: the mode opens its connections, the load warms the
 * server up, is measured, and is drained, so that no connection ends in the middle of something. The result
 * is one line of JSON on standard output. If standard input ends before that, the program fails.
 */
#ifndef MEASUREMENT_H
#define MEASUREMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* `begin` and `drain` may be NULL. */
struct mode {
    const char *name;
    /* Opens the connections; `measurement_ready` follows now or later. */
    void (*open)(const struct settings *settings);
    /* All is open: the load begins. */
    void (*begin)(void);
    void (*event)(void *subject, uint32_t events);
    /* Ends the load; `measurement_drained` follows now or later. */
    void (*drain)(void);
};

void measurement_run(const struct settings *settings, const struct mode *mode);

void measurement_ready(void);
void measurement_drained(void);

/* Whether new operations are to be begun. */
bool measurement_goes_on(void);

/* Whether what is done now is measured. */
bool measuring(void);

/* So many operations ended. They count while it is measured. */
void measurement_add(uint64_t operations);

/* One operation ended, which began at that time. */
void measurement_add_timed(uint64_t began_ns, uint64_t now);

#endif
