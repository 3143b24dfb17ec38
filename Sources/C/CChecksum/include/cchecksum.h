#ifndef CCHECKSUM_H
#define CCHECKSUM_H

// CRC-32C by the processor's own instruction, where there is one.

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has the instruction.
int decaf_has_crc32c(void);

/// The state of a CRC-32C checksum (starting from ~0, to be inverted at the end) after `count` more
/// bytes.
///
/// Needs `decaf_has_crc32c()`.
uint32_t decaf_crc32c(uint32_t state, const void *bytes, size_t count);

#endif
