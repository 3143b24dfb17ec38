#include "ckernels.h"

#if defined(__x86_64__)

// No such vector is ever passed: the functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "avx512_blocks.h"
#include "../network/kernels.h"
#pragma clang attribute pop

const decaf_kernels *decaf_avx512_shape(void) { return &kernels; }

#else

const decaf_kernels *decaf_avx512_shape(void) { return 0; }

#endif
