/*
 * The calling thread's stack: where it lies, and how much of it was never used.
 *
 * stack_watch gives the unused pages back to the system, stack_unused counts the pages from the stack's low
 * end that are still not there. A page is touched by whoever uses it: the engine, its compiled code, other
 * addons, C.
 */
#ifndef ASYNCTCP_STACK_H
#define ASYNCTCP_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "outcome.h"

/* Addresses grow upwards, the stack grows from `end` to `lowest`. The guard is not part of it. */
struct stack_bounds {
  uintptr_t lowest;
  uintptr_t end;
};

/* What is watched: whole pages. */
struct stack_watch {
  uintptr_t lowest;
  uintptr_t end;
  size_t page;
  /* The least that was read since. */
  size_t unused;
};

struct outcome stack_find(struct stack_bounds *bounds);

/*
 * Begins to watch the upper `bytes` of the stack, or all of it if it is smaller. A failure leaves `watch` as
 * it was.
 */
struct outcome stack_watch(struct stack_watch *watch, size_t bytes);

/* For the thread that began the watch, as long as it lives. */
struct outcome stack_unused(struct stack_watch *watch, size_t *unused);

#endif
