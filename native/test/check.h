/* Checks, and the run of the tests, of each test program. */
#ifndef ASYNCTCP_CHECK_H
#define ASYNCTCP_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: does not hold: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      exit(1); \
    } \
  } while (0)

struct test {
  const char *name;
  void (*run)(void);
};

static inline void run_tests(const struct test *tests, size_t count) {
  for (size_t i = 0; i < count; i++) {
    tests[i].run();
    printf("ok: %s\n", tests[i].name);
  }
}

#endif
