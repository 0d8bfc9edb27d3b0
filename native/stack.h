/*
 * The calling thread's stack: where it lies, and how many bytes of it were never used. Functions return 0
 * or a refusal (refusal.h).
 *
 * Call order: `stack_watch` gives the unused pages back to the system, then `stack_unused` counts the
 * pages, from the low end of the stack, that are still absent. A page becomes present at the first access
 * by any code on the stack: the engine, its compiled code, other addons, C.
 */
#ifndef ASYNCTCP_STACK_H
#define ASYNCTCP_STACK_H

#include <stddef.h>
#include <stdint.h>

/* Addresses grow upwards; the stack grows from `end` down to `lowest`. The guard is not part of it. */
struct stack_bounds {
  uintptr_t lowest;
  uintptr_t end;
};

/* The watched part of a stack, in whole pages. */
struct stack_watch {
  uintptr_t lowest;
  uintptr_t end;
  /* Bytes of a page. */
  size_t page;
  /* The smallest number of unused bytes that was read since the watch began. */
  size_t unused;
};

int stack_find(struct stack_bounds *bounds);

/*
 * Begins to watch the upper `bytes` of the stack, or all of a smaller one. A refusal leaves `watch`
 * unchanged.
 */
int stack_watch(struct stack_watch *watch, size_t bytes);

/* Gives the bytes that were never used since. Only the thread that began the watch may call it. */
int stack_unused(struct stack_watch *watch, size_t *unused);

#endif
