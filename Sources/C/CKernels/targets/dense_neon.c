#include "training.h"

#if defined(__aarch64__)

#define VECTOR_BYTES 16
#define WIDE_ROWS 12
#define FUSED 1
#include "../training/kernels.h"

const decaf_dense *decaf_dense_neon(void) { return &dense; }

#else

const decaf_dense *decaf_dense_neon(void) { return 0; }

#endif
