#include "ckernels.h"

#define VECTOR_WIDTH 4
#define BLOCK_ROWS 4
#define FUSED 0
#include "templates/table.h"

const decaf_kernels *decaf_baseline(void) { return &kernels; }
