/*
 * On Linux affinity and the nice value belong to the thread, although POSIX gives them to the process:
 * sched(7), setpriority(2) section "C library/kernel differences".
 */
#include "thread.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refusal.h"

/* A set of any number of cores: cpu_set_t ends at 1,024. */
struct core_set {
  cpu_set_t *bits;
  size_t bytes;
};

pid_t thread_id(void) {
  /* glibc has gettid() only since 2.30. The call cannot fail. */
  return (pid_t)syscall(SYS_gettid);
}

int thread_set_name(const char *name) {
  return prctl(PR_SET_NAME, name, 0, 0, 0) == 0 ? 0 : refusal(CALL_PRCTL, errno);
}

/*
 * Allocates an empty set, which the caller frees with `free`. Does not use CPU_ALLOC: in glibc that calls a
 * function that musl does not have.
 */
static bool core_set_create(struct core_set *set, size_t cores) {
  set->bytes = CPU_ALLOC_SIZE(cores);
  set->bits = calloc(1, set->bytes);
  return set->bits != NULL;
}

/* Reads the calling thread's cores into a set, which the caller frees after success. */
static int core_set_read(struct core_set *set) {
  /* The kernel refuses a set that is smaller than its own with EINVAL, and does not say how large that is. */
  for (size_t cores = CPU_SETSIZE; cores <= MAX_CORES; cores *= 2) {
    if (!core_set_create(set, cores)) return refusal(CALL_SCHED_GETAFFINITY, ENOMEM);
    if (sched_getaffinity(0, set->bytes, set->bits) == 0) return 0;
    const int error = errno;
    free(set->bits);
    if (error != EINVAL) return refusal(CALL_SCHED_GETAFFINITY, error);
  }
  return refusal(CALL_SCHED_GETAFFINITY, EINVAL);
}

int thread_affinity(unsigned **cores, size_t *count) {
  *cores = NULL;
  *count = 0;
  struct core_set set;
  const int reading = core_set_read(&set);
  if (reading < 0) return reading;

  const size_t limit = set.bytes * 8;
  /* One more than needed: malloc(0) may return NULL. */
  unsigned *found = malloc(((size_t)CPU_COUNT_S(set.bytes, set.bits) + 1) * sizeof *found);
  if (found == NULL) {
    free(set.bits);
    return refusal(CALL_SCHED_GETAFFINITY, ENOMEM);
  }
  size_t length = 0;
  for (size_t core = 0; core < limit; core++) {
    if (CPU_ISSET_S(core, set.bytes, set.bits)) found[length++] = (unsigned)core;
  }
  free(set.bits);
  *cores = found;
  *count = length;
  return 0;
}

static bool is_same(const struct core_set *one, const struct core_set *other) {
  const size_t cores = (one->bytes > other->bytes ? one->bytes : other->bytes) * 8;
  for (size_t core = 0; core < cores; core++) {
    /* CPU_ISSET_S gives 0 for a core past the end of its set. */
    const bool in_one = CPU_ISSET_S(core, one->bytes, one->bits) != 0;
    const bool in_other = CPU_ISSET_S(core, other->bytes, other->bits) != 0;
    if (in_one != in_other) return false;
  }
  return true;
}

/*
 * Sets the wanted cores, or restores the former ones: as long as one wanted core exists, the kernel
 * silently drops those that do not.
 */
static int set_all_or_none(const struct core_set *wanted, const struct core_set *before) {
  if (sched_setaffinity(0, wanted->bytes, wanted->bits) != 0) return refusal(CALL_SCHED_SETAFFINITY, errno);
  struct core_set after;
  const int reading = core_set_read(&after);
  if (reading < 0) return reading;
  const bool has_all = is_same(wanted, &after);
  free(after.bits);
  if (has_all) return 0;
  if (sched_setaffinity(0, before->bytes, before->bits) != 0) return refusal(CALL_SCHED_SETAFFINITY, errno);
  return refusal(CALL_SCHED_SETAFFINITY, EINVAL);
}

int thread_set_affinity(const unsigned *cores, size_t count) {
  unsigned highest = 0;
  for (size_t i = 0; i < count; i++) {
    if (cores[i] >= MAX_CORES) return refusal(CALL_SCHED_SETAFFINITY, EINVAL);
    if (cores[i] > highest) highest = cores[i];
  }
  struct core_set wanted;
  if (!core_set_create(&wanted, (size_t)highest + 1)) return refusal(CALL_SCHED_SETAFFINITY, ENOMEM);
  for (size_t i = 0; i < count; i++) CPU_SET_S(cores[i], wanted.bytes, wanted.bits);

  struct core_set before;
  int result = core_set_read(&before);
  if (result == 0) {
    result = set_all_or_none(&wanted, &before);
    free(before.bits);
  }
  free(wanted.bits);
  return result;
}

int thread_nice(int *nice) {
  /* -1 is a nice value and also the sign of a failure: only errno distinguishes them. */
  errno = 0;
  const int value = getpriority(PRIO_PROCESS, (id_t)thread_id());
  if (value == -1 && errno != 0) return refusal(CALL_GETPRIORITY, errno);
  *nice = value;
  return 0;
}

int thread_set_nice(int nice) {
  /* The kernel would silently take the nearest value that exists. */
  if (nice < -20 || nice > 19) return refusal(CALL_SETPRIORITY, EINVAL);
  return setpriority(PRIO_PROCESS, (id_t)thread_id(), nice) == 0 ? 0 : refusal(CALL_SETPRIORITY, errno);
}
