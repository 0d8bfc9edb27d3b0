/*
 * Tests of stack.c, thread.c and errno-name.c as a program without Node, so that they run under sanitizers
 * (scripts/test-native.mjs). It prints a line for each test, and ends with 1 at the first check that fails.
 *
 * The stack's measurement is compared with painting: the unused stack is filled with a pattern, and words
 * that differ afterwards were used. That is exact to the word, and too slow for anything but a test.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "../errno-name.h"
#include "../refusal.h"
#include "../stack.h"
#include "../thread.h"
#include "check.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

/* ASan would surround the frames' arrays with guards of its own, and report reads of dead frames. */
#define PLAIN_FRAME __attribute__((noinline, no_sanitize("address", "undefined")))

static void check_done(int result) {
  if (result == 0) return;
  fprintf(stderr, "call %d of refusal.h: %s\n", (int)refusal_call(result), errno_name(refusal_errno(result)));
  exit(1);
}

/* ---- errno-name.c */

static void test_errno_names(void) {
  CHECK(strcmp(errno_name(EACCES), "EACCES") == 0);
  CHECK(strcmp(errno_text(EACCES), "permission denied") == 0);
  CHECK(strcmp(errno_name(123456), "EUNKNOWN") == 0);
  CHECK(strcmp(errno_text(123456), "unknown error") == 0);
}

/* ---- thread.c */

static void test_name(void) {
  char before[THREAD_NAME_BYTES] = {0};
  char after[THREAD_NAME_BYTES] = {0};
  CHECK(prctl(PR_GET_NAME, before, 0, 0, 0) == 0);
  check_done(thread_set_name("longer than fifteen bytes"));
  CHECK(prctl(PR_GET_NAME, after, 0, 0, 0) == 0);
  CHECK(strcmp(after, "longer than fif") == 0);
  check_done(thread_set_name(before));
}

static void check_affinity(const unsigned *cores, size_t count) {
  unsigned *actual = NULL;
  size_t length = 0;
  check_done(thread_affinity(&actual, &length));
  CHECK(length == count);
  CHECK(memcmp(actual, cores, count * sizeof *cores) == 0);
  free(actual);
}

static void test_affinity(void) {
  unsigned *cores = NULL;
  size_t count = 0;
  check_done(thread_affinity(&cores, &count));
  CHECK(count > 0);
  cpu_set_t set;
  CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
  CHECK((size_t)CPU_COUNT(&set) == count);
  for (size_t i = 0; i < count; i++) CHECK(CPU_ISSET(cores[i], &set));

  check_done(thread_set_affinity(&cores[count - 1], 1));
  check_affinity(&cores[count - 1], 1);
  check_done(thread_set_affinity(cores, count));
  check_affinity(cores, count);

  /* Cores that the machine lacks: in a cpu_set_t, past it, the last that is accepted, and beyond. */
  const int no_such_core = refusal(CALL_SCHED_SETAFFINITY, EINVAL);
  const unsigned lacking[] = {1023, 1024, 100000, MAX_CORES - 1, MAX_CORES, UINT32_MAX};
  for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++) {
    CHECK(thread_set_affinity(&lacking[i], 1) == no_such_core);
    const unsigned half[] = {cores[0], lacking[i]};
    CHECK(thread_set_affinity(half, 2) == no_such_core);
    check_affinity(cores, count);
  }
  CHECK(thread_set_affinity(NULL, 0) == no_such_core);
  check_affinity(cores, count);
  free(cores);
}

static void *be_nicer(void *unused) {
  (void)unused;
  int nice = 0;
  check_done(thread_nice(&nice));
  const int nicer = nice < 19 ? nice + 1 : 19;
  check_done(thread_set_nice(nicer));
  check_done(thread_nice(&nice));
  CHECK(nice == nicer);
  CHECK(thread_set_nice(20) == refusal(CALL_SETPRIORITY, EINVAL));
  CHECK(thread_set_nice(-21) == refusal(CALL_SETPRIORITY, EINVAL));
  /* -1 is a value like the others, if the process has the right to it. */
  const int result = thread_set_nice(-1);
  if (result == 0) {
    check_done(thread_nice(&nice));
    CHECK(nice == -1);
  } else {
    CHECK(result == refusal(CALL_SETPRIORITY, EACCES));
  }
  return NULL;
}

static void test_nice_is_the_threads_own(void) {
  int before = 0;
  int after = 0;
  check_done(thread_nice(&before));
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, be_nicer, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  check_done(thread_nice(&after));
  CHECK(before == after);
}

/* ---- stack.c */

struct measured {
  size_t bytes;
  /* True to ask for huge pages first, as on a system that uses them everywhere. */
  bool is_huge;
  size_t page;
  struct stack_watch watch;
};

/* The lowest address that the last descent used. */
static _Thread_local uintptr_t deepest;

static size_t unused_of(struct measured *stack) {
  size_t unused = 0;
  check_done(stack_unused(&stack->watch, &unused));
  return unused;
}

/*
 * Descends through frames to `bytes` below `top`, and checks on the way back that their contents are
 * intact.
 */
PLAIN_FRAME static unsigned descend(uintptr_t top, size_t bytes, unsigned level) {
  volatile unsigned char frame[200];
  const unsigned char mark = (unsigned char)(level * 7u + 1u);
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = mark;
  const uintptr_t here = (uintptr_t)frame;
  unsigned sum = 0;
  /* With musl the first frames lie above the watched part, in a page that the stack shares. */
  if ((intptr_t)(top - here) < (intptr_t)bytes) {
    sum = descend(top, bytes, level + 1);
  } else {
    deepest = here;
  }
  for (size_t i = 0; i < sizeof frame; i++) {
    if (frame[i] != mark) abort();
  }
  return sum + mark;
}

/* Writes the pattern from the watched part's low end up to 4 KiB below this frame, which calls nothing. */
PLAIN_FRAME static void paint(const struct measured *stack, uint64_t pattern) {
  const uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - 4 * KIB) & ~(uintptr_t)7;
  for (uintptr_t at = stack->watch.lowest; at < end; at += 8) *(volatile uint64_t *)at = pattern;
}

PLAIN_FRAME static size_t unpainted_from(const struct measured *stack, uint64_t pattern) {
  uintptr_t at = stack->watch.lowest;
  while (*(volatile uint64_t *)at == pattern) at += 8;
  return at - stack->watch.lowest;
}

/* Measures a descent of `depth` bytes, and the same one by painting. */
static void check_depth(struct measured *stack, size_t depth) {
  const uintptr_t top = stack->watch.end;
  check_done(stack_watch(&stack->watch, stack->bytes));
  const size_t before = unused_of(stack);
  (void)descend(top, depth, 0);
  const size_t unused = unused_of(stack);
  const size_t touched = deepest - stack->watch.lowest;
  CHECK(unused <= before);
  CHECK(unused % stack->page == 0);
  /* The used part begins in the deepest frame's page, or one page below: the function needs stack itself. */
  CHECK(unused <= touched && unused + 2 * stack->page > touched);
  CHECK(unused_of(stack) == unused);

  const uint64_t pattern = 0xa5c3e1f00f1e3c5aull;
  paint(stack, pattern);
  (void)descend(top, depth, 0);
  const size_t unpainted = unpainted_from(stack, pattern);
  CHECK(unpainted >= unused && unpainted - unused < stack->page);
}

static void check_bounds(const struct measured *stack) {
  struct stack_bounds bounds;
  check_done(stack_find(&bounds));
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
  CHECK(bounds.lowest < here && here < bounds.end);
  CHECK(stack->watch.end <= bounds.end && stack->watch.end + stack->page > bounds.end);
  CHECK(stack->watch.lowest >= bounds.lowest);
}

/* Accesses a frame only at its low end, so that there is a hole above. */
PLAIN_FRAME static uintptr_t touch_low_end_of_a_large_frame(void) {
  volatile unsigned char frame[128 * KIB];
  frame[0] = 1;
  return (uintptr_t)frame + frame[0] - 1;
}

static void check_hole(struct measured *stack) {
  check_done(stack_watch(&stack->watch, stack->bytes));
  const uintptr_t touched = touch_low_end_of_a_large_frame();
  CHECK(unused_of(stack) <= touched - stack->watch.lowest);
  CHECK(unused_of(stack) + 2 * stack->page > touched - stack->watch.lowest);
}

/* Removes pages as swapping does: they are absent, but were used. */
static void check_least_stays(struct measured *stack) {
  check_done(stack_watch(&stack->watch, stack->bytes));
  const size_t before = unused_of(stack);
  (void)descend(stack->watch.end, 200 * KIB, 0);
  const size_t unused = unused_of(stack);
  CHECK(unused < before);
  CHECK(madvise((void *)stack->watch.lowest, before, MADV_DONTNEED) == 0 || errno == ENOMEM);
  CHECK(unused_of(stack) == unused);
  check_done(stack_watch(&stack->watch, stack->bytes));
  CHECK(unused_of(stack) > unused);
}

/* Begins the watch below frames that are still in use. */
PLAIN_FRAME static unsigned watch_below(struct measured *stack, unsigned level) {
  volatile unsigned char frame[1000];
  for (size_t i = 0; i < sizeof frame; i++) frame[i] = (unsigned char)(level + i);
  unsigned sum = 0;
  if (level < 60) {
    sum = watch_below(stack, level + 1);
  } else {
    check_done(stack_watch(&stack->watch, stack->bytes));
  }
  for (size_t i = 0; i < sizeof frame; i++) {
    if (frame[i] != (unsigned char)(level + i)) abort();
  }
  return sum + 1;
}

/* On a kernel without huge pages, which refuses, the test runs without them. */
static void use_huge_pages(size_t bytes) {
  struct stack_bounds bounds;
  check_done(stack_find(&bounds));
  CHECK(madvise((void *)bounds.lowest, bounds.end - bounds.lowest, MADV_HUGEPAGE) == 0 || errno == EINVAL);
  (void)descend(bounds.end, bytes - 64 * KIB, 0);
}

static void *measure(void *argument) {
  struct measured *stack = argument;
  stack->page = (size_t)sysconf(_SC_PAGESIZE);
  if (stack->is_huge) use_huge_pages(stack->bytes);
  check_done(stack_watch(&stack->watch, stack->bytes));
  CHECK(stack->watch.end - stack->watch.lowest == stack->bytes);
  check_bounds(stack);
  /* Deeper and less deep again, down to what the own frames of a sanitizer leave. */
  const size_t depths[] = {
      64 * KIB, 200 * KIB, 100 * KIB, stack->bytes / 2, stack->bytes - 64 * KIB, 64 * KIB};
  for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) check_depth(stack, depths[i]);
  check_hole(stack);
  check_least_stays(stack);
  CHECK(watch_below(stack, 0) == 61);
  return NULL;
}

/* Threads with stacks of three sizes run at once, each with a watch of its own. */
static void test_stacks_of_threads(void) {
  static struct measured stacks[] = {
      {.bytes = 512 * KIB}, {.bytes = 4 * MIB}, {.bytes = 16 * MIB},
      {.bytes = 512 * KIB}, {.bytes = 4 * MIB}, {.bytes = 16 * MIB, .is_huge = true},
  };
  enum { COUNT = sizeof stacks / sizeof stacks[0] };
  pthread_t threads[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, stacks[i].bytes) == 0);
    CHECK(pthread_create(&threads[i], &attributes, measure, &stacks[i]) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
  }
  for (size_t i = 0; i < COUNT; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

/* The stack of the main thread is not mapped down to its limit, and must still grow after the watch. */
static void test_stack_of_the_main_thread(void) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_STACK, &limit) == 0);
  CHECK(limit.rlim_cur >= 4 * MIB);
  static struct measured engine = {.bytes = 984 * KIB};
  (void)measure(&engine);

  struct measured larger = {.bytes = 3 * MIB, .page = engine.page};
  check_done(stack_watch(&larger.watch, larger.bytes));
  unsigned char state = 0;
  CHECK(mincore((void *)larger.watch.lowest, larger.page, &state) == -1 && errno == ENOMEM);
  check_depth(&larger, 2 * MIB);
  check_depth(&larger, 3 * MIB - 64 * KIB);
}

static void test_watched_sizes(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  struct stack_bounds bounds;
  check_done(stack_find(&bounds));
  struct stack_watch watch;
  size_t unused = 0;
  /* Less than a page counts as a page, a rest of a page is left out, more than the stack is the stack. */
  check_done(stack_watch(&watch, 1));
  CHECK(watch.end - watch.lowest == page);
  check_done(stack_unused(&watch, &unused));
  CHECK(unused == 0);
  check_done(stack_watch(&watch, 100 * page + page - 1));
  CHECK(watch.end - watch.lowest == 100 * page);
  check_done(stack_watch(&watch, SIZE_MAX));
  CHECK(watch.end - watch.lowest >= bounds.end - bounds.lowest - page);
  /* Measuring does not change the stack's bounds; at the low end it may have grown. */
  struct stack_bounds after;
  check_done(stack_find(&after));
  CHECK(after.end == bounds.end && after.lowest <= bounds.lowest);
}

/* musl has no contexts: scripts/test-musl.mjs defines this. */
#ifndef ASYNCTCP_ON_MUSL

static ucontext_t main_context;

static void watch_elsewhere(void) {
  struct stack_watch watch = {.unused = 42};
  CHECK(stack_watch(&watch, MIB) == refusal(CALL_PTHREAD_GETATTR_NP, ENOTSUP));
  CHECK(watch.unused == 42);
}

static void test_foreign_stack_is_refused(void) {
  static unsigned char stack[256 * KIB];
  ucontext_t context;
  CHECK(getcontext(&context) == 0);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = sizeof stack;
  context.uc_link = &main_context;
  makecontext(&context, watch_elsewhere, 0);
  CHECK(swapcontext(&main_context, &context) == 0);
}

#endif

int main(void) {
  static const struct test tests[] = {
      {"errors have the names and texts of Node's", test_errno_names},
      {"a name is cut to what the kernel keeps", test_name},
      {"affinity is set wholly or not at all", test_affinity},
      {"a nice value is the thread's own", test_nice_is_the_threads_own},
      {"the watched part is whole pages of the stack", test_watched_sizes},
      {"stacks of threads are measured to the page", test_stacks_of_threads},
      {"the stack of the main thread is measured to the page", test_stack_of_the_main_thread},
#ifndef ASYNCTCP_ON_MUSL
      {"a stack that is not the thread's is refused", test_foreign_stack_is_refused},
#endif
  };
  run_tests(tests, sizeof tests / sizeof tests[0]);
  return 0;
}
