// The product of a narrow matrix's transpose with a matrix of floats that is not packed. The including
// file defines
//   ELEMENT       of A, sums and C: float or double,
//   NAME(x)       x with the type's suffix, as in matrix_product.h,
//   OUTER(x)      x with this product's own suffix,
//   FLOATS(p)     a vector of elements from floats.

#ifndef OUTER_ROWS
// Rows of B that are held in registers at once, two vectors of each.
#define OUTER_ROWS (PAIR_ROWS == 12 ? 8 : 4)
#endif

/// Adds to `columns` of each of `rows` sums, `width` apart, the products of `depth` rows of A and B;
/// each sum is one chain over the depth, as in products of packed matrices.
INLINE void OUTER(add_outer_products)(const size_t depth, size_t rows, size_t columns,
                                      const ELEMENT *a, size_t a_stride, const float *b,
                                      size_t b_stride, ELEMENT *sums, size_t width) {
  for (size_t j = 0; j < columns; j += NAME(PAIR)) {
    const size_t used = columns - j < NAME(PAIR) ? columns - j : NAME(PAIR);
    NAME(vector) x[OUTER_ROWS][2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < depth; i++) {
      const float *from = b + i * b_stride + j;
      if (used == NAME(PAIR)) {
        x[i][0] = FLOATS(from);
        x[i][1] = FLOATS(from + NAME(LANES));
      } else {
        float padded[NAME(PAIR)];
        for (size_t v = 0; v < NAME(PAIR); v++) padded[v] = v < used ? from[v] : 0;
        x[i][0] = FLOATS(padded);
        x[i][1] = FLOATS(padded + NAME(LANES));
      }
    }
    ELEMENT *at = sums + j;
    for (size_t r = 0; r < rows; r++, at += width) {
      NAME(vector) first = NAME(load)(at), second = NAME(load)(at + NAME(LANES));
#pragma clang loop unroll(full)
      for (size_t i = 0; i < depth; i++) {
        const NAME(vector) factor = (NAME(vector))(a[i * a_stride + r]);
        first = NAME(multiply_add)(factor, x[i][0], first);
        second = NAME(multiply_add)(factor, x[i][1], second);
      }
      __builtin_memcpy(at, &first, sizeof first);
      __builtin_memcpy(at + NAME(LANES), &second, sizeof second);
    }
  }
}

/// B is read once, row by row: sums wait in the first cache, which bounds the columns at once.
static void OUTER(transposed_product)(size_t rows, size_t depth, size_t columns,
                                      const ELEMENT *a, const float *b, size_t b_stride,
                                      ELEMENT *c, size_t c_stride) {
  enum { ROOM = 32768 / sizeof(ELEMENT) };
  ELEMENT sums[ROOM] __attribute__((aligned(64)));
  for (size_t row = 0; row < rows;) {
    // More rows than fit with a pair of vectors each are taken in turn.
    const size_t most = ROOM / NAME(PAIR);
    const size_t count = rows - row < most ? rows - row : most;
    const size_t fitting = ROOM / count / NAME(PAIR) * NAME(PAIR);
    for (size_t column = 0; column < columns; column += fitting) {
      const size_t used = columns - column < fitting ? columns - column : fitting;
      const size_t width = (used + NAME(PAIR) - 1) / NAME(PAIR) * NAME(PAIR);
      for (size_t start = 0; start < depth || start == 0; start += DECAF_PRODUCT_SLAB) {
        const size_t end = start + DECAF_PRODUCT_SLAB < depth ? start + DECAF_PRODUCT_SLAB : depth;
        for (size_t i = 0; i < count * width; i++) sums[i] = 0;
        size_t i = start;
        for (; i + OUTER_ROWS <= end; i += OUTER_ROWS) {
          OUTER(add_outer_products)(OUTER_ROWS, count, used, a + i * rows + row, rows,
                                    b + i * b_stride + column, b_stride, sums, width);
        }
        for (; i < end; i++) {
          OUTER(add_outer_products)(1, count, used, a + i * rows + row, rows,
                                    b + i * b_stride + column, b_stride, sums, width);
        }
        for (size_t r = 0; r < count; r++) {
          ELEMENT *to = c + (row + r) * c_stride + column;
          for (size_t j = 0; j < used; j++) {
            to[j] = start > 0 ? to[j] + sums[r * width + j] : sums[r * width + j];
          }
        }
      }
    }
    row += count;
  }
}

#undef ELEMENT
#undef NAME
#undef OUTER
#undef FLOATS
