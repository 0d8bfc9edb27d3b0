/*
 * Control of the calling thread: its number, name, cores and nice value. Functions return 0 or a refusal
 * (refusal.h).
 */
#ifndef ASYNCTCP_THREAD_H
#define ASYNCTCP_THREAD_H

#include <stddef.h>
#include <sys/types.h>

/* Bytes of a name, including the NUL at its end. The kernel cuts a longer name. */
#define THREAD_NAME_BYTES 16

/* Cores are searched and accepted up to this number. Linux can be built for 8,192. */
#define MAX_CORES (1u << 20)

/* Returns the kernel's number of the thread. */
pid_t thread_id(void);

/* Names the calling thread; longer names than 15 bytes are cut. */
int thread_set_name(const char *name);

/* Gives the thread's cores, ascending, in an array that the caller frees; NULL after a refusal. */
int thread_affinity(unsigned **cores, size_t *count);

/* Sets all of the cores or none: if the thread cannot have one of them, refuses with EINVAL. */
int thread_set_affinity(const unsigned *cores, size_t count);

/* Gives the nice value of the calling thread. */
int thread_nice(int *nice);

/* Sets the nice value of the calling thread; refuses values outside of -20 to 19 with EINVAL. */
int thread_set_nice(int nice);

#endif
