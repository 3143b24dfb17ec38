#include "sets.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma clang attribute push(                                                        \
    __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx2,fma"))), \
    apply_to = function)

typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) register_configuration;

static inline void begin_registers(size_t rows) {
  register_configuration c = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    c.row_bytes[t] = 64;
    c.rows[t] = t < 6 ? (uint8_t)rows : 16;
  }
  _tile_loadconfig(&c);
}

#define REGISTERS_BEGIN(ROWS) begin_registers(ROWS)
#define REGISTERS_END _tile_release()
#define REGISTER_ZERO(T) _tile_zero(T)
#define REGISTER_LOAD(T, FROM, PITCH) _tile_loadd(T, FROM, PITCH)
#define REGISTER_STORE(T, TO, PITCH) _tile_stored(T, TO, PITCH)
#define REGISTER_PRODUCT(SUMS, A, B) _tile_dpbf16ps(SUMS, A, B)
#include "../bfloat16/kernels.h"
#pragma clang attribute pop

static int enable(void) {
  // Leaf 7 of the processor's description: AMX-BF16 and AMX-TILE.
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d >> 22 & 1) || !(d >> 24 & 1)) return 0;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512bw")) return 0;
  // The system saves the registers' state only for those who ask.
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#define ENABLE enable
#define KERNELS &bfloat16_kernels
#else
#define ENABLE 0
#define KERNELS 0
#endif

const decaf_matrix_set decaf_amx = {.name = "amx", .enable = ENABLE, .kernels = KERNELS};
