#include "cchecksum.h"

#if defined(__x86_64__)

int decaf_has_crc32c(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t decaf_crc32c(uint32_t state, const void *data, size_t count) {
  const uint8_t *bytes = data;
  uint64_t crc = state;
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t word;
    __builtin_memcpy(&word, bytes + i, sizeof word);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  for (; i < count; i++) crc = __builtin_ia32_crc32qi((uint32_t)crc, bytes[i]);
  return (uint32_t)crc;
}

#else

int decaf_has_crc32c(void) { return 0; }

// Bit by bit, so that the symbol is right all the same.
uint32_t decaf_crc32c(uint32_t state, const void *data, size_t count) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < count; i++) {
    state ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) state = state & 1 ? state >> 1 ^ 0x82f63b78 : state >> 1;
  }
  return state;
}

#endif
