#include "training.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTOR_BYTES 32
#define WIDE_ROWS 6
#define FUSED 1
#include "../training/kernels.h"
#pragma clang attribute pop

const decaf_dense *decaf_dense_avx2(void) { return &dense; }

#else

const decaf_dense *decaf_dense_avx2(void) { return 0; }

#endif
