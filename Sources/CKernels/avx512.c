#include "ckernels.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#define VECTOR_WIDTH 16
#define BLOCK_ROWS 12
#define FUSED 1
#include "templates/table.h"
#pragma clang attribute pop

const decaf_kernels *decaf_avx512(void) { return &kernels; }

#else

const decaf_kernels *decaf_avx512(void) { return 0; }

#endif
