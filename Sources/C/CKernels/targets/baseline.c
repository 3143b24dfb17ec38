#include "ckernels.h"

#define VECTOR_WIDTH 4
#define PANEL_VECTORS 2
#define BLOCK_ROWS 4
#define EACH_BLOCK(F) TO_4_ROWS(F, 1) TO_4_ROWS(F, 2)
#define SUM_REGISTERS 8
#define FUSED 0
#include "../network/kernels.h"

const decaf_kernels *decaf_baseline(void) { return &kernels; }
