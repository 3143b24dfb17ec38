#include "training.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#define VECTOR_BYTES 64
#define WIDE_ROWS 12
#define FUSED 1
#include "../training/kernels.h"
#pragma clang attribute pop

const decaf_dense *decaf_dense_avx512(void) { return &dense; }

#else

const decaf_dense *decaf_dense_avx512(void) { return 0; }

#endif
