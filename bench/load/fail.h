/* What goes wrong is told in one line on standard error; the program then ends with status 1. */
#ifndef FAIL_H
#define FAIL_H

#include <stddef.h>

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* With what errno says. */
_Noreturn void fail_errno(const char *what);

/* calloc that does not fail. */
void *allocate(size_t count, size_t size);

#endif
