/*
 * The measurement depends on these properties of Linux:
 *
 * - MADV_DONTNEED removes an anonymous page at once; the next access brings a page of zeros. mincore then
 *   says which pages are present: exact to the page, within microseconds.
 * - A transparent huge page would bring 2 MiB with the first byte that is accessed, and khugepaged later
 *   joins pages that were not accessed: MADV_NOHUGEPAGE excludes both. A kernel without huge pages refuses
 *   it with EINVAL. MADV_DONTNEED splits huge pages that exist already.
 * - The stack of the main thread is a mapping that grows downwards on demand. Nothing is mapped below it,
 *   and mincore and madvise refuse such an address with ENOMEM: its page was never used. Pages are given
 *   back, never unmapped, so that the mapping continues to grow.
 * - MADV_NOHUGEPAGE is a property of a mapping: set on a part, it splits the mapping. If another mapping
 *   lies below the one that holds the first frame of the main thread, glibc takes the low end of the latter
 *   for the limit of growth, and pthread_getattr_np would be wrong from then on for every caller. So the
 *   whole stack gets the property, however small the watched part is, and the pages by which the mapping
 *   grows inherit it.
 * - A page in swap counts as absent. The smallest number ever read is kept, so a used page is missed only
 *   if it goes to swap before the first reading after its use.
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
#include "refusal.h"

/* Pages that one call of mincore reads. Each costs a byte of the stack under measurement. */
#define CHUNK_PAGES 256u

/* Bytes that Linux keeps free below the main thread's stack, also if its limit is higher (mmap_base). */
#define GROWTH_KEPT_FREE (128ul * 1024 * 1024)

/* glibc has this function and musl does not: one binary runs with both. */
extern const char *gnu_get_libc_version(void) __attribute__((weak));

/*
 * Extends the bounds by what the stack may still grow: musl only reports the mapped part of the main stack.
 */
static void add_growth(struct stack_bounds *bounds) {
  if (gnu_get_libc_version != NULL || syscall(SYS_gettid) != getpid()) return;
  struct rlimit limit;
  /* Without a limit that can be read, the bounds stay those of the mapped part. */
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return;
  const long page = sysconf(_SC_PAGESIZE);
  const uintptr_t most = limit.rlim_cur < GROWTH_KEPT_FREE ? (uintptr_t)limit.rlim_cur : GROWTH_KEPT_FREE;
  if (page <= 0 || most <= bounds->end - bounds->lowest) return;
  bounds->lowest = (bounds->end - most) & ~((uintptr_t)page - 1);
}

int stack_find(struct stack_bounds *bounds) {
  pthread_attr_t attributes;
  /* On the main thread glibc reads /proc/self/maps and the limit on the stack. */
  int error = pthread_getattr_np(pthread_self(), &attributes);
  if (error != 0) return refusal(CALL_PTHREAD_GETATTR_NP, error);
  void *lowest = NULL;
  size_t bytes = 0;
  error = pthread_attr_getstack(&attributes, &lowest, &bytes);
  const int destroyed = pthread_attr_destroy(&attributes);
  if (error != 0) return refusal(CALL_PTHREAD_ATTR_GETSTACK, error);
  if (destroyed != 0) return refusal(CALL_PTHREAD_ATTR_DESTROY, destroyed);
  bounds->lowest = (uintptr_t)lowest;
  bounds->end = (uintptr_t)lowest + bytes;
  add_growth(bounds);
  return 0;
}

static int advise(uintptr_t from, uintptr_t to, int advice) {
  if (from >= to || madvise((void *)from, to - from, advice) == 0) return 0;
  return refusal(CALL_MADVISE, errno);
}

/* Reads the state of one page. A page that is not mapped is not present either. */
static int query_page(uintptr_t address, size_t page, bool *is_mapped, bool *is_present) {
  unsigned char state = 0;
  *is_mapped = true;
  *is_present = false;
  if (mincore((void *)address, page, &state) == 0) {
    *is_present = (state & 1u) != 0;
  } else if (errno == ENOMEM) {
    *is_mapped = false;
  } else {
    return refusal(CALL_MINCORE, errno);
  }
  return 0;
}

/*
 * Finds the lowest mapped page from `low` up to the stack's end, by bisection: the mapping of a stack has
 * no hole. The first query is that of the lowest page, which is mapped on every thread but the main one.
 */
static int find_mapped(const struct stack_watch *watch, uintptr_t low, uintptr_t *lowest) {
  uintptr_t high = watch->end;
  uintptr_t middle = low;
  while (low < high) {
    bool is_mapped = false;
    bool is_present = false;
    const int result = query_page(middle, watch->page, &is_mapped, &is_present);
    if (result < 0) return result;
    if (is_mapped) {
      high = middle;
    } else {
      low = middle + watch->page;
    }
    middle = low + (high - low) / watch->page / 2 * watch->page;
  }
  *lowest = low;
  return 0;
}

/* Finds the lowest page that was used, or the stack's end if none was. */
static int find_used(const struct stack_watch *watch, uintptr_t *lowest) {
  uintptr_t at = 0;
  const int result = find_mapped(watch, watch->lowest, &at);
  if (result < 0) return result;
  unsigned char states[CHUNK_PAGES];
  /* From the low end: a large frame that is accessed only in places leaves holes above its low end. */
  while (at < watch->end) {
    const size_t left = (watch->end - at) / watch->page;
    const size_t pages = left < CHUNK_PAGES ? left : CHUNK_PAGES;
    if (mincore((void *)at, pages * watch->page, states) != 0) return refusal(CALL_MINCORE, errno);
    for (size_t i = 0; i < pages; i++, at += watch->page) {
      if ((states[i] & 1u) != 0) {
        *lowest = at;
        return 0;
      }
    }
  }
  *lowest = watch->end;
  return 0;
}

/* Refuses where mincore calls every page present (gVisor): the stack would seem to be full. */
static int check_removed(uintptr_t address, size_t page) {
  bool is_mapped = false;
  bool is_present = false;
  const int result = query_page(address, page, &is_mapped, &is_present);
  if (result < 0) return result;
  return is_present ? refusal(CALL_MINCORE, ENOTSUP) : 0;
}

/* Not inlined: its frame is the lowest that may not be given back. */
__attribute__((noinline)) int stack_watch(struct stack_watch *watch, size_t bytes) {
  const long page_size = sysconf(_SC_PAGESIZE);
  if (page_size <= 0) return refusal(CALL_SYSCONF, ENOTSUP);
  const uintptr_t page = (uintptr_t)page_size;
  struct stack_bounds bounds;
  int result = stack_find(&bounds);
  if (result < 0) return result;

  const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  /* Code that runs on a stack of its own, not on the thread's, is not measured. */
  if (frame < bounds.lowest || frame >= bounds.end) return refusal(CALL_PTHREAD_GETATTR_NP, ENOTSUP);

  struct stack_watch begun = {.end = bounds.end & ~(page - 1), .page = page};
  const uintptr_t stack = (begun.end - bounds.lowest) & ~(page - 1);
  /* A part of a page is not watched, but less than one page would be nothing. */
  const uintptr_t wanted = bytes < page ? page : bytes & ~(page - 1);
  begun.lowest = begun.end - (wanted < stack ? wanted : stack);

  /* No address below the mapped part may be accessed: another mapping could be placed there at any time. */
  uintptr_t mapped = 0;
  result = find_mapped(&begun, begun.end - stack, &mapped);
  if (result < 0) return result;
  result = advise(mapped, begun.end, MADV_NOHUGEPAGE);
  if (result < 0 && refusal_errno(result) != EINVAL) return result;
  const uintptr_t unused_begin = mapped > begun.lowest ? mapped : begun.lowest;
  /*
   * One whole page stays below the page with this frame's upper end: for the rest of this frame, the frame
   * of madvise, and the 128 bytes below the stack pointer that compiled code may use without moving it (the
   * red zone).
   */
  const uintptr_t unused_end = (frame & ~(page - 1)) - page;
  result = advise(unused_begin, unused_end, MADV_DONTNEED);
  if (result == 0 && unused_begin < unused_end) result = check_removed(unused_begin, page);
  if (result < 0) return result;
  begun.unused = begun.end - begun.lowest;
  *watch = begun;
  return 0;
}

int stack_unused(struct stack_watch *watch, size_t *unused) {
  uintptr_t used = 0;
  const int result = find_used(watch, &used);
  if (result < 0) return result;
  if (used - watch->lowest < watch->unused) watch->unused = used - watch->lowest;
  *unused = watch->unused;
  return 0;
}
