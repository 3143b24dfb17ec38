// Memory maps that survive their file being cut short.
//
// Reading a page of a map that its file no longer has, or that the disk cannot deliver, raises
// SIGBUS. A watched map then gets pages of zeros from there on, and remembers that it did: the reader
// goes on, and whoever asks before the result counts learns that it does not. C, because a signal
// handler may run none of what Swift code may need at any time: allocation, locks, metadata.
#ifndef CMAPPINGS_H
#define CMAPPINGS_H

#include <stddef.h>

/// A map that is watched.
struct decaf_mapping;

/// Watches `count` bytes mapped at `start`, which is the start of a page.
///
/// The first call takes over SIGBUS; one that concerns no watched map goes to who had it before.
/// NULL when there is no memory.
struct decaf_mapping *decaf_mapping_watch(void *start, size_t count);

/// To be called before the map is undone; whether pages were lost can still be asked.
void decaf_mapping_end(struct decaf_mapping *mapping);

/// Whether pages were lost since `decaf_mapping_watch`.
int decaf_mapping_is_lost(const struct decaf_mapping *mapping);

/// Gives the handle back.
void decaf_mapping_release(struct decaf_mapping *mapping);

/// A descriptor of an empty file that lies in memory alone and has no name; -1 and `errno` when there is
/// none to be had. The C library's headers hide the call from Swift.
int decaf_memory_file(void);

/// Prepares the C library for arrays of megabytes that come and go: memory that was given back serves
/// again, and the first 96 MiB come in large pages where the system has such.
void decaf_prepare_heap(void);

#endif
