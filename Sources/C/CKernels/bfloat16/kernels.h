// Defines the table `bfloat16_kernels`. The including file defines
//   REGISTERS_BEGIN(ROWS)          starts the use of the matrix registers: those of sums, 0 to 3,
//                                  and of their first factors, 4 and 5, have as many rows; those
//                                  of second factors, 6 and 7, 16; a row is 64 bytes,
//   REGISTERS_END                  ends it,
//   REGISTER_ZERO(T), REGISTER_LOAD(T, FROM, PITCH), REGISTER_STORE(T, TO, PITCH),
//   REGISTER_PRODUCT(SUMS, A, B)   sums += A · B, a step of 32 terms,
// with the registers' numbers as constants, and has set the target by `#pragma clang attribute`.

#include "../include/bfloat16.h"
#include "steps.h"

#define INLINE static inline __attribute__((always_inline))

/// What a matrix register holds: sums, or bfloat16 numbers; and the bytes of its rows.
enum { REGISTER_FLOATS = 16 * 16, REGISTER_NUMBERS = 16 * 32, REGISTER_PITCH = 64 };

#include "rounding.h"

#include "convolution.h"

#include "inner_product.h"

static const decaf_bfloat16_kernels bfloat16_kernels = {
    .pack_map = pack_map,
    .convolve = convolve,
    .pack_rows = pack_rows,
    .inner_product = inner_product,
};
