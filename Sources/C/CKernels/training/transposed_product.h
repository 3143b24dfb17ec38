// The product of a narrow matrix's transpose with a matrix that is not packed, in single precision.

// Rows of B that are held in registers at once, two vectors of each.
enum { OUTER_ROWS = PAIR_ROWS == 12 ? 8 : 4 };

/// Adds to `columns` of each of `rows` sums, `width` apart, the products of `depth` rows of A and B;
/// each sum is one chain over the depth, as in `product_f32`.
INLINE void add_outer_products(const size_t depth, size_t rows, size_t columns, const float *a,
                               size_t a_stride, const float *b, size_t b_stride, float *sums,
                               size_t width) {
  for (size_t j = 0; j < columns; j += PAIR_f32) {
    const size_t used = columns - j < PAIR_f32 ? columns - j : PAIR_f32;
    vector_f32 x[OUTER_ROWS][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < depth; i++) {
      const float *from = b + i * b_stride + j;
      if (used == PAIR_f32) {
        x[i][0] = load_f32(from);
        x[i][1] = load_f32(from + LANES_f32);
      } else {
        float padded[PAIR_f32];
        for (size_t v = 0; v < PAIR_f32; v++) padded[v] = v < used ? from[v] : 0;
        __builtin_memcpy(x[i], padded, sizeof padded);
      }
    }
    float *at = sums + j;
    for (size_t r = 0; r < rows; r++, at += width) {
      vector_f32 first = load_f32(at), second = load_f32(at + LANES_f32);
#pragma clang loop unroll(full)
      for (size_t i = 0; i < depth; i++) {
        const vector_f32 factor = (vector_f32)(a[i * a_stride + r]);
        first = multiply_add_f32(factor, x[i][0], first);
        second = multiply_add_f32(factor, x[i][1], second);
      }
      __builtin_memcpy(at, &first, sizeof first);
      __builtin_memcpy(at + LANES_f32, &second, sizeof second);
    }
  }
}

/// B is read once, row by row: sums wait in the first cache, which bounds the columns at once.
static void transposed_product_f32(size_t rows, size_t depth, size_t columns, const float *a,
                                   const float *b, size_t b_stride, float *c, size_t c_stride) {
  enum { ROOM = 8192 };
  float sums[ROOM] __attribute__((aligned(64)));
  for (size_t row = 0; row < rows;) {
    // More rows than fit with a pair of vectors each are taken in turn.
    const size_t most = ROOM / PAIR_f32;
    const size_t count = rows - row < most ? rows - row : most;
    const size_t fitting = ROOM / count / PAIR_f32 * PAIR_f32;
    for (size_t column = 0; column < columns; column += fitting) {
      const size_t used = columns - column < fitting ? columns - column : fitting;
      const size_t width = (used + PAIR_f32 - 1) / PAIR_f32 * PAIR_f32;
      for (size_t start = 0; start < depth || start == 0; start += DECAF_PRODUCT_SLAB) {
        const size_t end = start + DECAF_PRODUCT_SLAB < depth ? start + DECAF_PRODUCT_SLAB : depth;
        for (size_t i = 0; i < count * width; i++) sums[i] = 0;
        size_t i = start;
        for (; i + OUTER_ROWS <= end; i += OUTER_ROWS) {
          add_outer_products(OUTER_ROWS, count, used, a + i * rows + row, rows,
                             b + i * b_stride + column, b_stride, sums, width);
        }
        for (; i < end; i++) {
          add_outer_products(1, count, used, a + i * rows + row, rows, b + i * b_stride + column,
                             b_stride, sums, width);
        }
        for (size_t r = 0; r < count; r++) {
          float *to = c + (row + r) * c_stride + column;
          for (size_t j = 0; j < used; j++) {
            to[j] = start > 0 ? to[j] + sums[r * width + j] : sums[r * width + j];
          }
        }
      }
    }
    row += count;
  }
}
