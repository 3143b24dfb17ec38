#define _GNU_SOURCE
#include "cmappings.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct decaf_mapping {
  _Atomic uintptr_t start;
  _Atomic uintptr_t end;  // 0: nothing is mapped
  atomic_int is_lost;
  struct decaf_mapping *next;       // of all; never changed, so that the handler needs no lock
  struct decaf_mapping *next_free;  // under `lock`
};

// Entries are used again and never freed.
static struct decaf_mapping *_Atomic all;
static struct decaf_mapping *unused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct sigaction previous;
static uintptr_t page_size;

static void handle(int number, siginfo_t *info, void *context) {
  (void)context;
  const int saved = errno;
  const uintptr_t address = (uintptr_t)info->si_addr;
  if (info->si_code > 0) {
    for (struct decaf_mapping *each = atomic_load(&all); each; each = each->next) {
      const uintptr_t end = atomic_load(&each->end);
      if (address < atomic_load(&each->start) || address >= end) continue;
      atomic_store(&each->is_lost, 1);
      // All of the rest at once: a file that was cut short has nothing behind this page, and a map of
      // single pages would soon meet the system's limit.
      const uintptr_t page = address & ~(page_size - 1);
      const size_t count = (end - page + page_size - 1) & ~(page_size - 1);
      void *zeros = mmap((void *)page, count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      if (zeros == MAP_FAILED) break;
      errno = saved;
      return;
    }
  }
  // Not ours: the same instruction meets the same signal again, and its former handler.
  sigaction(SIGBUS, &previous, NULL);
  if (info->si_code <= 0) raise(number);
  errno = saved;
}

static void install(void) {
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  // On the thread's alternate stack if it has one; several threads may be here at a time.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

struct decaf_mapping *decaf_mapping_watch(void *start, size_t count) {
  pthread_once(&once, install);
  pthread_mutex_lock(&lock);
  struct decaf_mapping *mapping = unused;
  if (mapping) {
    unused = mapping->next_free;
  } else if ((mapping = calloc(1, sizeof *mapping))) {
    mapping->next = atomic_load(&all);
    atomic_store(&all, mapping);
  }
  pthread_mutex_unlock(&lock);
  if (!mapping) return NULL;
  atomic_store(&mapping->is_lost, 0);
  atomic_store(&mapping->start, (uintptr_t)start);
  atomic_store(&mapping->end, (uintptr_t)start + count);
  return mapping;
}

void decaf_mapping_end(struct decaf_mapping *mapping) { atomic_store(&mapping->end, 0); }

int decaf_mapping_is_lost(const struct decaf_mapping *mapping) {
  return atomic_load(&mapping->is_lost);
}

void decaf_mapping_release(struct decaf_mapping *mapping) {
  decaf_mapping_end(mapping);
  pthread_mutex_lock(&lock);
  mapping->next_free = unused;
  unused = mapping;
  pthread_mutex_unlock(&lock);
}

int decaf_memory_file(void) { return memfd_create("decaf", MFD_CLOEXEC); }
