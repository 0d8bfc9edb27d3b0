/*
 * The event loop: level-triggered epoll, one thread. Standard input is the lifeline: its end ends the
 * program, one way or another.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

struct loop_handlers {
    /* Something watched is ready. */
    void (*event)(void *subject, uint32_t events);
    /* After all events of one wait, and when the alarm is due. */
    void (*turn)(uint64_t now);
    /* Standard input has ended. */
    void (*input_end)(void);
};

#define NEVER UINT64_MAX

void loop_set_up(const struct loop_handlers *handlers);
void loop_watch(int fd, uint32_t events, void *subject);
void loop_watch_for(int fd, uint32_t events, void *subject);

/* `turn` is called at that time at the latest, and every time before it. */
void loop_wake_at(uint64_t ns);

/* Returns after `loop_end`. */
void loop_run(void);
void loop_end(void);

#endif
