// What every template builds on. The including file defines
//   VECTOR_BYTES  bytes of a vector,
//   PANEL_VECTORS the widest panel of a product, in vectors,
//   BLOCK_ROWS    the most rows of a block,
//   EACH_BLOCK(F) F(VECTORS, ROWS) for every block whose sums fit in the registers,
//   SUM_REGISTERS vectors of sums of a product with a single row,
//   FUSED         1 when the instruction set multiplies and adds with one rounding.
// and has set the target by `#pragma clang attribute`.

#include "../include/network.h"

/// Floats of a vector.
#define VECTOR_WIDTH (VECTOR_BYTES / 4)

// Only explicit calls fuse: otherwise a compiler's choice would show in the bits.
#pragma clang fp contract(off)

#define INLINE static inline __attribute__((always_inline))

typedef float vector __attribute__((ext_vector_type(VECTOR_WIDTH)));

INLINE vector load(const float *p) {
  vector v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store(float *p, vector v) { __builtin_memcpy(p, &v, sizeof v); }

INLINE vector splat(float x) { return (vector)(x); }

INLINE vector multiply_add(vector a, vector b, vector sum) {
#if FUSED
  return __builtin_elementwise_fma(a, b, sum);
#else
  return a * b + sum;
#endif
}

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Comparisons with NaN are false, so both of these keep a NaN in `x`.
INLINE vector rectified(vector x) { return x < splat(0) ? splat(0) : x; }
INLINE vector larger(vector x, vector y) { return x < y ? y : x; }
