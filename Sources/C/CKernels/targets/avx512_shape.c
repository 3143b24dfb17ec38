#include "sets.h"

#if defined(__x86_64__)

// No such vector is ever passed: the functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "avx512.h"
#include "../network/kernels.h"
#pragma clang attribute pop

#define NETWORK &network_kernels
#else
#define NETWORK 0
#endif

const decaf_kernel_set decaf_avx512_shape = {
    .name = "avx512 shape",
    .required = DECAF_FEATURE_AVX2 | DECAF_FEATURE_FMA,
    .network = NETWORK,
};
