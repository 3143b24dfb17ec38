#include "ckernels.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTOR_WIDTH 8
#define PANEL_VECTORS 2
#define BLOCK_ROWS 6
#define EACH_BLOCK(F) TO_6_ROWS(F, 1) TO_6_ROWS(F, 2)
#define SUM_REGISTERS 8
#define FUSED 1
#include "../network/kernels.h"
#pragma clang attribute pop

const decaf_kernels *decaf_avx2(void) { return &kernels; }

#else

const decaf_kernels *decaf_avx2(void) { return 0; }

#endif
