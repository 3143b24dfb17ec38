#include "sets.h"

#if defined(__aarch64__)

#define VECTOR_BYTES 16
#define PANEL_VECTORS 2
#define BLOCK_ROWS 6
#define EACH_BLOCK(F) TO_6_ROWS(F, 1) TO_6_ROWS(F, 2)
#define SUM_REGISTERS 16
#define PAIR_ROWS 12
#define FUSED 1
#include "../network/kernels.h"
#include "../training/kernels.h"
#include "../embedding/kernels.h"
#include "../descriptors/kernels.h"

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

const decaf_kernel_set decaf_neon = {
    .name = "neon",
    .required = DECAF_FEATURE_NEON,
    .network = NETWORK,
    .training = TRAINING,
    .embedding = EMBEDDING,
    .descriptors = DESCRIPTORS,
};
