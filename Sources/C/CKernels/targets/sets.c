#include "sets.h"

// One line a set, from slow to fast: the name of its file in this folder.
#define EACH_SET(SET) \
  SET(baseline)       \
  SET(neon)           \
  SET(avx2)           \
  SET(avx512)

#define EACH_MATRIX_SET(SET) \
  SET(amx)

#define DECLARATION(NAME) extern const decaf_kernel_set decaf_##NAME;
#define MATRIX_DECLARATION(NAME) extern const decaf_matrix_set decaf_##NAME;
#define ENTRY(NAME) &decaf_##NAME,

EACH_SET(DECLARATION)
EACH_MATRIX_SET(MATRIX_DECLARATION)
DECLARATION(avx512_shape)
MATRIX_DECLARATION(amx_shape)

const decaf_kernel_set *const *decaf_kernel_sets(void) {
  static const decaf_kernel_set *const sets[] = {EACH_SET(ENTRY) 0};
  return sets;
}

const decaf_matrix_set *const *decaf_matrix_sets(void) {
  static const decaf_matrix_set *const sets[] = {EACH_MATRIX_SET(ENTRY) 0};
  return sets;
}

const decaf_kernel_set *decaf_avx512_shape_set(void) { return &decaf_avx512_shape; }

const decaf_matrix_set *decaf_amx_shape_set(void) { return &decaf_amx_shape; }

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
