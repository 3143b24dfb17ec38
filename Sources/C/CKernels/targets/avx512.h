// The shape of the AVX-512 network kernels: 32 registers hold 24 sums, a panel's vectors and a
// broadcast number.

#define VECTOR_BYTES 64
#define PANEL_VECTORS 4
#define BLOCK_ROWS 12
#define EACH_BLOCK(F) TO_12_ROWS(F, 1) TO_12_ROWS(F, 2) TO_8_ROWS(F, 3) TO_6_ROWS(F, 4)
#define SUM_REGISTERS 8
#define FUSED 1
