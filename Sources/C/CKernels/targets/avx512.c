#include "ckernels.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#include "avx512_blocks.h"
#include "../network/kernels.h"
#pragma clang attribute pop

const decaf_kernels *decaf_avx512(void) { return &kernels; }

#else

const decaf_kernels *decaf_avx512(void) { return 0; }

#endif
