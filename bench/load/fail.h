/* Prints an error as one line on standard error, and ends the program with status 1. */
#ifndef FAIL_H
#define FAIL_H

#include <stddef.h>

_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As `fail`, with the text of errno. */
_Noreturn void fail_errno(const char *what);

/* calloc that ends the program if it fails. */
void *allocate(size_t count, size_t size);

#endif
