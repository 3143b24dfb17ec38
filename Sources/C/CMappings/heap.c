#define _GNU_SOURCE
#include "cmappings.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 2 << 20, AHEAD = 96 << 20 };

void decaf_prepare_heap(void) {
  // Threads would else have heaps of their own, of small pages.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // The most that the C library takes.
  const uintptr_t start = (uintptr_t)sbrk(0);
  mallopt(M_TOP_PAD, AHEAD);
  // More than is there, so that the heap grows; what is given back stays there.
  free(malloc(1 << 20));
  mallopt(M_TOP_PAD, 1 << 20);
  const uintptr_t first = (start + PAGE - 1) / PAGE * PAGE, end = (uintptr_t)sbrk(0) / PAGE * PAGE;
  // A system without large pages says so, and nothing else happens.
  if (end > first) madvise((void *)first, end - first, MADV_HUGEPAGE);
}
