#include "sets.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTOR_BYTES 32
#define PANEL_VECTORS 2
#define BLOCK_ROWS 6
#define EACH_BLOCK(F) TO_6_ROWS(F, 1) TO_6_ROWS(F, 2)
#define SUM_REGISTERS 8
#define PAIR_ROWS 6
#define FUSED 1
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

const decaf_kernel_set decaf_avx2 = {
    .name = "avx2",
    .required = DECAF_FEATURE_AVX2 | DECAF_FEATURE_FMA,
    .network = NETWORK,
    .training = TRAINING,
    .embedding = EMBEDDING,
    .descriptors = DESCRIPTORS,
};
