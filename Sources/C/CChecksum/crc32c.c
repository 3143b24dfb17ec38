#include "cchecksum.h"

#if defined(__x86_64__)

#include <immintrin.h>

int decaf_has_crc32c(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

// Bytes of a lane: three lanes go side by side, as the instruction gives one result a cycle and takes
// three cycles for it (Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction",
// Intel, 2011).
enum { LANE = 4096 };
// x^(8 n - 33) modulo the polynomial, its bits reversed, for n bytes: the product of a checksum and this
// number, reduced by the instruction, is the checksum n zero bytes later.
#define AFTER_ONE_LANE 0x82f89c77
#define AFTER_TWO_LANES 0x54a86326

__attribute__((target("sse4.2,pclmul"))) static uint64_t later(uint64_t crc, uint64_t factor) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi64_si128((long long)factor), 0);
  return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static inline uint64_t word(const uint8_t *bytes) {
  uint64_t result;
  __builtin_memcpy(&result, bytes, sizeof result);
  return result;
}

__attribute__((target("sse4.2,pclmul"))) uint32_t decaf_crc32c(
    uint32_t state, const void *data, size_t count) {
  const uint8_t *bytes = data;
  uint64_t crc = state;
  for (; count >= 3 * LANE; count -= 3 * LANE, bytes += 3 * LANE) {
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < LANE; i += 8) {
      crc = _mm_crc32_u64(crc, word(bytes + i));
      second = _mm_crc32_u64(second, word(bytes + LANE + i));
      third = _mm_crc32_u64(third, word(bytes + 2 * LANE + i));
    }
    crc = later(crc, AFTER_TWO_LANES) ^ later(second, AFTER_ONE_LANE) ^ third;
  }
  for (; count >= 8; count -= 8, bytes += 8) crc = _mm_crc32_u64(crc, word(bytes));
  for (; count > 0; count--, bytes++) crc = _mm_crc32_u8((uint32_t)crc, *bytes);
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
