#include "training.h"

#define VECTOR_BYTES 16
#define WIDE_ROWS 6
#define FUSED 0
#include "../training/kernels.h"

const decaf_dense *decaf_dense_baseline(void) { return &dense; }
