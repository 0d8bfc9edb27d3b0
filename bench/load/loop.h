/*
 * The event loop: level-triggered epoll, one thread. The program ends when standard input does.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

struct loop_handlers {
    /* A watched descriptor is ready. */
    void (*event)(void *subject, uint32_t events);
    /* Called after all events of one wait, and when the alarm is due. */
    void (*turn)(uint64_t now);
    /* Standard input has ended. */
    void (*input_end)(void);
};

#define NEVER UINT64_MAX

void loop_set_up(const struct loop_handlers *handlers);
void loop_watch(int fd, uint32_t events, void *subject);
void loop_watch_for(int fd, uint32_t events, void *subject);

/* Sets the alarm: `turn` is called at `ns` at the latest. */
void loop_wake_at(uint64_t ns);

/* Runs the loop until `loop_end`. */
void loop_run(void);
void loop_end(void);

#endif
