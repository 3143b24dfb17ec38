#include "sets.h"

// Multiplying and adding must not fuse, though a product of two bfloat16 numbers is exact.
#pragma clang fp contract(off)

typedef struct {
  uint32_t rows;
  union {
    float sums[16][16];
    uint16_t numbers[16][32];
  };
} matrix_register;

static float widened(uint16_t x) {
  // Numbers that are not normal count as zero.
  const uint32_t bits = (x & 0x7f80) ? (uint32_t)x << 16 : (uint32_t)(x & 0x8000) << 16;
  float f;
  __builtin_memcpy(&f, &bits, sizeof f);
  return f;
}

static float flushed(float x) {
  return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x;
}

static void load_register(matrix_register *t, const void *from, uint64_t pitch) {
  for (uint32_t r = 0; r < t->rows; r++) {
    __builtin_memcpy(t->numbers[r], (const char *)from + r * pitch, 64);
  }
}

static void store_register(const matrix_register *t, void *to, uint64_t pitch) {
  for (uint32_t r = 0; r < t->rows; r++) {
    __builtin_memcpy((char *)to + r * pitch, t->sums[r], 64);
  }
}

static void zero_register(matrix_register *t) { __builtin_memset(t->sums, 0, sizeof t->sums); }

static void add_product(matrix_register *sums, const matrix_register *a, const matrix_register *b) {
  float terms[32][16];
  for (uint32_t k = 0; k < 32; k++) {
    for (uint32_t n = 0; n < 16; n++) terms[k][n] = widened(b->numbers[k / 2][2 * n + k % 2]);
  }
  for (uint32_t m = 0; m < sums->rows; m++) {
    float chains[2][16] = {{0}};
    for (uint32_t k = 0; k < 32; k++) {
      const float x = widened(a->numbers[m][k]);
      for (uint32_t n = 0; n < 16; n++) {
        chains[k % 2][n] = flushed(chains[k % 2][n] + x * terms[k][n]);
      }
    }
    for (uint32_t n = 0; n < 16; n++) {
      const float sum = flushed(chains[0][n] + chains[1][n]);
      sums->sums[m][n] = flushed(flushed(sums->sums[m][n]) + sum);
    }
  }
}

/// The registers, a thread's own.
static _Thread_local matrix_register registers[8];

static void begin_registers(uint64_t rows) {
  for (int t = 0; t < 8; t++) registers[t].rows = t < 6 ? (uint32_t)rows : 16;
}

#define REGISTERS_BEGIN(ROWS) begin_registers(ROWS)
#define REGISTERS_END
#define REGISTER_ZERO(T) zero_register(&registers[T])
#define REGISTER_LOAD(T, FROM, PITCH) load_register(&registers[T], FROM, PITCH)
#define REGISTER_STORE(T, TO, PITCH) store_register(&registers[T], TO, PITCH)
#define REGISTER_PRODUCT(SUMS, A, B) add_product(&registers[SUMS], &registers[A], &registers[B])
// No such vector is ever passed: the functions that take them are inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#include "../bfloat16/kernels.h"

/// Plain code is always allowed.
static int enable(void) { return 1; }

const decaf_matrix_set decaf_amx_shape = {
    .name = "amx shape", .enable = enable, .kernels = &bfloat16_kernels};
