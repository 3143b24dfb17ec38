#include "sets.h"

// What every processor of its kind has: four floats a vector, no fused multiply-add.
#define VECTOR_BYTES 16
#define PANEL_VECTORS 2
#define BLOCK_ROWS 4
#define EACH_BLOCK(F) TO_4_ROWS(F, 1) TO_4_ROWS(F, 2)
#define SUM_REGISTERS 8
#define PAIR_ROWS 6
#define FUSED 0
#include "../network/kernels.h"
#include "../training/kernels.h"
#include "../embedding/kernels.h"
#include "../descriptors/kernels.h"

const decaf_kernel_set decaf_baseline = {
    .name = "baseline",
    .required = 0,
    .network = &network_kernels,
    .training = &training_kernels,
    .embedding = &embedding_kernels,
    .descriptors = &descriptor_kernels,
};
