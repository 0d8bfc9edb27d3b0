/* Control of the calling thread: its number, name, cores and nice value. */
#ifndef ASYNCTCP_THREAD_H
#define ASYNCTCP_THREAD_H

#include <stddef.h>
#include <sys/types.h>

#include "outcome.h"

/* A name's bytes with the NUL at its end; the kernel cuts a longer one. */
#define THREAD_NAME_BYTES 16

/* Cores are looked for and accepted up to this number; Linux can be built for 8,192. */
#define MAX_CORES (1u << 20)

pid_t thread_id(void);

struct outcome thread_set_name(const char *name);

/* Cores of the thread, ascending, in an array that the caller frees; it is NULL after a failure. */
struct outcome thread_affinity(unsigned **cores, size_t *count);

/* All of the cores or none: EINVAL, and nothing is changed, when the thread cannot have one of them. */
struct outcome thread_set_affinity(const unsigned *cores, size_t count);

struct outcome thread_nice(int *nice);

struct outcome thread_set_nice(int nice);

#endif
