/*
 * What the measurement rests on, all of it Linux's:
 *
 * - MADV_DONTNEED takes an anonymous page away at once; the next touch brings a page of zeros. mincore then
 *   says whether a page is there: exact to the page, for microseconds.
 * - A transparent huge page would bring 2 MiB with the first byte that is touched, and khugepaged joins
 *   pages later that were not touched: MADV_NOHUGEPAGE excludes both. A kernel without huge pages answers
 *   EINVAL. Huge pages that are there already are split by MADV_DONTNEED.
 * - The stack of the main thread is a mapping that grows downwards on demand. Below it nothing is mapped,
 *   and mincore and madvise answer ENOMEM: such a page was never used. Pages are given back, never unmapped,
 *   so that it goes on growing as before.
 * - MADV_NOHUGEPAGE is a property of a mapping: given to a part, it splits the mapping. On the main thread
 *   glibc takes the low end of the mapping with the first frame for the limit of growth, if another mapping
 *   lies below, and pthread_getattr_np would be wrong from then on, for everybody. Hence the whole stack gets
 *   it, however small the watched part is, and what the mapping gains when it grows inherits it.
 * - A page that was written to swap counts as not there. The least number ever read stays, so a page is
 *   lost only if it goes to swap before the first reading after its use.
 */
#include "stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "old-glibc.h"

/* Pages that one call of mincore looks at: a byte of the stack under measurement for each. */
#define CHUNK_PAGES 256u

/* Linux keeps so much address space free below the main thread's stack, whatever its limit (mmap_base). */
#define GROWTH_KEPT_FREE (128ul * 1024 * 1024)

/* glibc has it, musl has not: one binary runs with both. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/* musl tells of the main thread's stack only what is mapped so far. It may grow to its limit. */
static void add_growth(struct stack_bounds *bounds) {
  if (gnu_get_libc_version != NULL || syscall(SYS_gettid) != getpid()) return;
  struct rlimit limit;
  /* Without an answer it stays what is mapped. */
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return;
  const long page = sysconf(_SC_PAGESIZE);
  const uintptr_t most = limit.rlim_cur < GROWTH_KEPT_FREE ? (uintptr_t)limit.rlim_cur : GROWTH_KEPT_FREE;
  if (page <= 0 || most <= bounds->end - bounds->lowest) return;
  bounds->lowest = (bounds->end - most) & ~((uintptr_t)page - 1);
}

struct outcome stack_find(struct stack_bounds *bounds) {
  pthread_attr_t attributes;
  /* On the main thread glibc reads /proc/self/maps and the limit on the stack. */
  int error = pthread_getattr_np(pthread_self(), &attributes);
  if (error != 0) return failed(error, "pthread_getattr_np");
  void *lowest = NULL;
  size_t bytes = 0;
  error = pthread_attr_getstack(&attributes, &lowest, &bytes);
  const int destroyed = pthread_attr_destroy(&attributes);
  if (error != 0) return failed(error, "pthread_attr_getstack");
  if (destroyed != 0) return failed(destroyed, "pthread_attr_destroy");
  bounds->lowest = (uintptr_t)lowest;
  bounds->end = (uintptr_t)lowest + bytes;
  add_growth(bounds);
  return done();
}

static struct outcome advise(uintptr_t from, uintptr_t to, int advice) {
  if (from < to && madvise((void *)from, to - from, advice) != 0) return failed(errno, "madvise");
  return done();
}

/* Whether the page is mapped, and whether it is there. */
static struct outcome look(uintptr_t address, size_t page, bool *is_mapped, bool *is_there) {
  unsigned char state = 0;
  *is_mapped = true;
  *is_there = false;
  if (mincore((void *)address, page, &state) == 0) {
    *is_there = (state & 1u) != 0;
  } else if (errno == ENOMEM) {
    *is_mapped = false;
  } else {
    return failed(errno, "mincore");
  }
  return done();
}

/*
 * The lowest mapped page from `low` up to the stack's end. The mapping of a stack has no hole, so bisection
 * finds its low end; the first look is at the lowest page, which on every thread but the main one is mapped.
 */
static struct outcome find_mapped(const struct stack_watch *watch, uintptr_t low, uintptr_t *lowest) {
  uintptr_t high = watch->end;
  uintptr_t middle = low;
  while (low < high) {
    bool is_mapped = false;
    bool is_there = false;
    const struct outcome looking = look(middle, watch->page, &is_mapped, &is_there);
    if (looking.error != 0) return looking;
    if (is_mapped) {
      high = middle;
    } else {
      low = middle + watch->page;
    }
    middle = low + (high - low) / watch->page / 2 * watch->page;
  }
  *lowest = low;
  return done();
}

static struct outcome find_used(const struct stack_watch *watch, uintptr_t *lowest) {
  uintptr_t at = 0;
  const struct outcome finding = find_mapped(watch, watch->lowest, &at);
  if (finding.error != 0) return finding;
  unsigned char states[CHUNK_PAGES];
  /* From the low end: a large frame that is touched here and there leaves holes above its low end. */
  while (at < watch->end) {
    const size_t left = (watch->end - at) / watch->page;
    const size_t pages = left < CHUNK_PAGES ? left : CHUNK_PAGES;
    if (mincore((void *)at, pages * watch->page, states) != 0) return failed(errno, "mincore");
    for (size_t i = 0; i < pages; i++, at += watch->page) {
      if ((states[i] & 1u) != 0) {
        *lowest = at;
        return done();
      }
    }
  }
  *lowest = watch->end;
  return done();
}

/* Not inlined: its frame is the lowest that may not be given back. */
__attribute__((noinline)) struct outcome stack_watch(struct stack_watch *watch, size_t bytes) {
  const long page_size = sysconf(_SC_PAGESIZE);
  if (page_size <= 0) return failed(ENOTSUP, "sysconf");
  const uintptr_t page = (uintptr_t)page_size;
  struct stack_bounds bounds;
  const struct outcome finding = stack_find(&bounds);
  if (finding.error != 0) return finding;

  const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  /* Whoever runs on a stack of its own making, not on the thread's, is not measured. */
  if (frame < bounds.lowest || frame >= bounds.end) return failed(ENOTSUP, "pthread_getattr_np");

  struct stack_watch begun = {.end = bounds.end & ~(page - 1), .page = page};
  const uintptr_t stack = (begun.end - bounds.lowest) & ~(page - 1);
  /* A part of a page is not watched, but less than one page would be nothing. */
  const uintptr_t wanted = bytes < page ? page : bytes & ~(page - 1);
  begun.lowest = begun.end - (wanted < stack ? wanted : stack);

  /* Below what is mapped nothing may be touched: it is not the stack's yet, and could be another's soon. */
  uintptr_t mapped = 0;
  const struct outcome mapping = find_mapped(&begun, begun.end - stack, &mapped);
  if (mapping.error != 0) return mapping;
  const struct outcome small = advise(mapped, begun.end, MADV_NOHUGEPAGE);
  if (small.error != 0 && small.error != EINVAL) return small;
  const uintptr_t unused_begin = mapped > begun.lowest ? mapped : begun.lowest;
  /*
   * One whole page stays below the page with this frame's upper end: for the rest of this frame, the frame
   * of madvise, and the 128 bytes below the stack pointer that compiled code may use without moving it (the
   * red zone).
   */
  const uintptr_t unused_end = (frame & ~(page - 1)) - page;
  const struct outcome giving = advise(unused_begin, unused_end, MADV_DONTNEED);
  if (giving.error != 0) return giving;

  /* Where mincore only pretends (gVisor's calls every page resident), that is no full stack. */
  if (unused_begin < unused_end) {
    bool is_mapped = false;
    bool is_there = false;
    const struct outcome looking = look(unused_begin, page, &is_mapped, &is_there);
    if (looking.error != 0) return looking;
    if (is_there) return failed(ENOTSUP, "mincore");
  }
  begun.unused = begun.end - begun.lowest;
  *watch = begun;
  return done();
}

struct outcome stack_unused(struct stack_watch *watch, size_t *unused) {
  uintptr_t used = 0;
  const struct outcome finding = find_used(watch, &used);
  if (finding.error != 0) return finding;
  if (used - watch->lowest < watch->unused) watch->unused = used - watch->lowest;
  *unused = watch->unused;
  return done();
}
