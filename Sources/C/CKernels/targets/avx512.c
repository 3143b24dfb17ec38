#include "sets.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#include "avx512.h"
#define PAIR_ROWS 12
#include "../network/kernels.h"
#include "../training/kernels.h"
#include "../embedding/kernels.h"
#include "../descriptors/kernels.h"
#pragma clang attribute pop

#define NETWORK &network_kernels
#define TRAINING &training_kernels
#define EMBEDDING &embedding_kernels
#define DESCRIPTORS &descriptor_kernels
#else
#define NETWORK 0
#define TRAINING 0
#define EMBEDDING 0
#define DESCRIPTORS 0
#endif

const decaf_kernel_set decaf_avx512 = {
    .name = "avx512",
    .required = DECAF_FEATURE_AVX512F | DECAF_FEATURE_AVX2 | DECAF_FEATURE_FMA,
    .network = NETWORK,
    .training = TRAINING,
    .embedding = EMBEDDING,
    .descriptors = DESCRIPTORS,
};
