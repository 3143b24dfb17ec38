// Products of rows with few vectors, both as they lie in memory: C = A·Bᵀ.
//
// `product_f32` has a vector of columns side by side, most of which few columns leave idle, and wants
// them packed. Here a vector holds numbers of one row, and several rows and columns share the loads.
//
// Each element is one chain in each of 16 (double precision: 8) lanes over a slab of the depth, whose
// lanes are then added in pairs: the same in every block that can hold it, and on every instruction
// set, whose registers may be shorter.

typedef float wide_f32 __attribute__((ext_vector_type(16)));

enum {
  // Rows of A in a slab wait in the first cache while columns pass.
  DOT_SLAB = 1024,
#if VECTOR_BYTES == 64
  DOT_ROWS = 4,
  DOT_COLUMNS = 5,
#else
  // So that sums fit 16 registers, two or four for each.
  DOT_ROWS = 2,
  DOT_COLUMNS = 2,
#endif
};

INLINE wide_f32 dot_load_f32(const float *p) {
  wide_f32 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE wide_f32 dot_add_f32(wide_f32 a, wide_f32 b, wide_f32 sum) {
#if FUSED
  return __builtin_elementwise_fma(a, b, sum);
#else
  return a * b + sum;
#endif
}

INLINE float dot_sum_f32(wide_f32 x) {
  typedef float eight __attribute__((ext_vector_type(8)));
  typedef float four __attribute__((ext_vector_type(4)));
  const eight e = x.lo + x.hi;
  const four f = e.lo + e.hi;
  return (f[0] + f[2]) + (f[1] + f[3]);
}

/// `depth` numbers of each of `rows` rows and `columns` columns; all constants wherever this is inlined
/// but the depth, which is at most a slab.
#define DOT_BLOCK(SUFFIX, LANES, VECTOR, B, LOAD_A, LOAD_B, ADD, SUM)                              \
  INLINE void dot_block_##SUFFIX(const size_t rows, const size_t columns, size_t depth,           \
                                 const float *const *a, const float *const *next, const B *b,      \
                                 size_t b_stride, B *c, size_t c_stride, int adding) {             \
    VECTOR sums[DOT_ROWS][DOT_COLUMNS];                                                            \
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {                         \
      _Pragma("clang loop unroll(full)") for (size_t k = 0; k < columns; k++) {                    \
        sums[r][k] = (VECTOR)(0);                                                                  \
      }                                                                                            \
    }                                                                                              \
    size_t j = 0;                                                                                  \
    for (; j + LANES <= depth; j += LANES) {                                                       \
      if (next) {                                                                                  \
        _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {                     \
          __builtin_prefetch(next[r] + j);                                                         \
        }                                                                                          \
      }                                                                                            \
      VECTOR x[DOT_ROWS];                                                                          \
      _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) x[r] = LOAD_A(a[r] + j); \
      _Pragma("clang loop unroll(full)") for (size_t k = 0; k < columns; k++) {                    \
        const VECTOR y = LOAD_B(b + k * b_stride + j);                                             \
        _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {                     \
          sums[r][k] = ADD(x[r], y, sums[r][k]);                                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    if (j < depth) {                                                                               \
      /* The rest, as if zeros followed. */                                                        \
      float x[DOT_ROWS][LANES] = {{0}};                                                            \
      for (size_t r = 0; r < rows; r++) {                                                          \
        for (size_t i = j; i < depth; i++) x[r][i - j] = a[r][i];                                  \
      }                                                                                            \
      _Pragma("clang loop unroll(full)") for (size_t k = 0; k < columns; k++) {                    \
        B y[LANES] = {0};                                                                          \
        for (size_t i = j; i < depth; i++) y[i - j] = b[k * b_stride + i];                         \
        _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {                     \
          sums[r][k] = ADD(LOAD_A(x[r]), LOAD_B(y), sums[r][k]);                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    VECTOR ends[DOT_ROWS][DOT_COLUMNS];                                                            \
    _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) {                         \
      _Pragma("clang loop unroll(full)") for (size_t k = 0; k < columns; k++) {                    \
        ends[r][k] = sums[r][k];                                                                   \
      }                                                                                            \
    }                                                                                              \
    /* In memory: halves of registers can be had of the first 16 alone, and all sums would go there. */ \
    __asm__ volatile("" : : "r"(ends) : "memory");                                                 \
    for (size_t r = 0; r < rows; r++) {                                                            \
      for (size_t k = 0; k < columns; k++) {                                                       \
        B *to = c + r * c_stride + k;                                                              \
        *to = adding ? *to + SUM(ends[r][k]) : SUM(ends[r][k]);                                    \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  INLINE void dot_columns_##SUFFIX(const size_t rows, size_t columns, size_t depth,               \
                                   const float *const *a, const float *const *next, const B *b,    \
                                   size_t b_stride, B *c, size_t c_stride, int adding) {           \
    size_t k = 0;                                                                                  \
    for (; k + DOT_COLUMNS <= columns; k += DOT_COLUMNS) {                                         \
      if (k == 0) {                                                                                \
        dot_block_##SUFFIX(rows, DOT_COLUMNS, depth, a, next, b, b_stride, c, c_stride, adding);   \
      } else {                                                                                     \
        dot_block_##SUFFIX(rows, DOT_COLUMNS, depth, a, 0, b + k * b_stride, b_stride, c + k,      \
                           c_stride, adding);                                                      \
      }                                                                                            \
    }                                                                                              \
    for (; k + 2 <= columns; k += 2) {                                                             \
      dot_block_##SUFFIX(rows, 2, depth, a, k == 0 ? next : 0, b + k * b_stride, b_stride, c + k,  \
                         c_stride, adding);                                                        \
    }                                                                                              \
    if (k < columns) {                                                                             \
      dot_block_##SUFFIX(rows, 1, depth, a, k == 0 ? next : 0, b + k * b_stride, b_stride, c + k,  \
                         c_stride, adding);                                                        \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void dots_##SUFFIX(size_t rows, size_t depth, size_t columns, const float *const *a,     \
                            const B *b, size_t b_stride, B *c, size_t c_stride) {                  \
    /* A slab of B waits in the second cache while rows pass. */                                   \
    for (size_t start = 0; start < depth || start == 0; start += DOT_SLAB) {                       \
      const size_t length = depth - start < DOT_SLAB ? depth - start : DOT_SLAB;                   \
      for (size_t row = 0; row < rows;) {                                                          \
        const size_t count = rows - row < DOT_ROWS ? 1 : DOT_ROWS;                                 \
        const float *starts[DOT_ROWS];                                                             \
        const float *next[DOT_ROWS];                                                               \
        for (size_t r = 0; r < count; r++) {                                                       \
          starts[r] = a[row + r] + start;                                                          \
          const size_t later = row + count + r < rows ? row + count + r : row + r;                 \
          next[r] = a[later] + start;                                                              \
        }                                                                                          \
        B *to = c + row * c_stride;                                                                \
        if (count == DOT_ROWS) {                                                                   \
          dot_columns_##SUFFIX(DOT_ROWS, columns, length, starts, next, b + start, b_stride, to,         \
                               c_stride, start > 0);                                               \
        } else {                                                                                   \
          dot_columns_##SUFFIX(1, columns, length, starts, next, b + start, b_stride, to, c_stride,      \
                               start > 0);                                                         \
        }                                                                                          \
        row += count;                                                                              \
      }                                                                                            \
    }                                                                                              \
  }

DOT_BLOCK(f32, 16, wide_f32, float, dot_load_f32, dot_load_f32, dot_add_f32, dot_sum_f32)
DOT_BLOCK(mixed, 8, lanes, double, lanes_widened, lanes_load, lanes_fused, lanes_sum)
#undef DOT_BLOCK

/// `width` numbers of a sum and of eight rows at once: w += Σ scale · x, one row after the other.
INLINE void add_some_rows(const size_t count, double *restrict w, const float *const *rows,
                          const double *scales, size_t start, size_t end) {
  size_t i = start;
  for (; i + 8 <= end; i += 8) {
    lanes sum = lanes_load(w + i);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) {
      sum = lanes_fused(lanes_widened(rows[r] + i), (lanes)(scales[r]), sum);
    }
    lanes_store(w + i, sum);
  }
  for (; i < end; i++) {
    for (size_t r = 0; r < count; r++) w[i] += scales[r] * (double)rows[r][i];
  }
}

/// The bits of `add_scaled_mixed` for one row after the other; the sum stays in the first cache.
static void add_rows_mixed(double *restrict w, const float *const *rows, const double *scales,
                           size_t count, size_t width) {
  // A whole number of vectors, so that no other numbers are left over than for whole rows.
  enum { TILE = 1024 };
  for (size_t start = 0; start < width; start += TILE) {
    const size_t end = width - start < TILE ? width : start + TILE;
    size_t r = 0;
    for (; r + 8 <= count; r += 8) add_some_rows(8, w, rows + r, scales + r, start, end);
    for (; r < count; r++) add_some_rows(1, w, rows + r, scales + r, start, end);
  }
}
