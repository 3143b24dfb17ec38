#include "ckernels.h"

uint32_t decaf_processor_features(void) {
  uint32_t features = 0;
#if defined(__x86_64__)
  // These look at the operating system's part too: it must save the wide registers.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) features |= DECAF_FEATURE_AVX2;
  if (__builtin_cpu_supports("fma")) features |= DECAF_FEATURE_FMA;
  if (__builtin_cpu_supports("avx512f")) features |= DECAF_FEATURE_AVX512F;
#elif defined(__aarch64__)
  features |= DECAF_FEATURE_NEON;
#endif
  return features;
}
