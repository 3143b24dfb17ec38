#include "ckernels.h"

#if defined(__aarch64__)

#define VECTOR_WIDTH 4
#define PANEL_VECTORS 2
#define BLOCK_ROWS 6
#define EACH_BLOCK(F) TO_6_ROWS(F, 1) TO_6_ROWS(F, 2)
#define SUM_REGISTERS 16
#define FUSED 1
#include "../network/kernels.h"

const decaf_kernels *decaf_neon(void) { return &kernels; }

#else

const decaf_kernels *decaf_neon(void) { return 0; }

#endif
