// Packing and the matrix product for one element type. The including file defines
//   ELEMENT       float or double,
//   NAME(x)       x with the type's suffix,
// besides what kernels.h demands.

enum { NAME(LANES) = VECTOR_BYTES / sizeof(ELEMENT), NAME(WIDE) = 2 * NAME(LANES) };

typedef ELEMENT NAME(vector) __attribute__((ext_vector_type(VECTOR_BYTES / sizeof(ELEMENT))));

INLINE NAME(vector) NAME(load)(const ELEMENT *p) {
  NAME(vector) v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE NAME(vector) NAME(multiply_add)(NAME(vector) a, NAME(vector) b, NAME(vector) sum) {
#if FUSED
  return __builtin_elementwise_fma(a, b, sum);
#else
  return a * b + sum;
#endif
}

/// The width of the panel that starts at `column`: one vector where the rest fits, else two.
INLINE size_t NAME(panel_width)(size_t column, size_t columns) {
  return columns - column <= NAME(LANES) ? NAME(LANES) : NAME(WIDE);
}

static size_t NAME(packed_count)(size_t depth, size_t columns) {
  return depth * (columns + NAME(WIDE));
}

static void NAME(pack)(const ELEMENT *b, size_t stride, size_t depth, size_t columns,
                       ELEMENT *packed) {
  for (size_t start = 0; start < depth; start += DECAF_DENSE_DEPTH) {
    const size_t end = start + DECAF_DENSE_DEPTH < depth ? start + DECAF_DENSE_DEPTH : depth;
    for (size_t column = 0; column < columns;) {
      const size_t width = NAME(panel_width)(column, columns);
      const size_t used = width < columns - column ? width : columns - column;
      for (size_t k = start; k < end; k++) {
        const ELEMENT *from = b + k * stride + column;
        if (used == NAME(WIDE)) {
          __builtin_memcpy(packed, from, NAME(WIDE) * sizeof(ELEMENT));
        } else {
          for (size_t j = 0; j < width; j++) packed[j] = j < used ? from[j] : 0;
        }
        packed += width;
      }
      column += width;
    }
  }
}

static void NAME(pack_transposed)(const ELEMENT *b, size_t stride, size_t depth, size_t columns,
                                  ELEMENT *packed) {
  for (size_t start = 0; start < depth; start += DECAF_DENSE_DEPTH) {
    const size_t end = start + DECAF_DENSE_DEPTH < depth ? start + DECAF_DENSE_DEPTH : depth;
    for (size_t column = 0; column < columns;) {
      const size_t width = NAME(panel_width)(column, columns);
      const size_t used = width < columns - column ? width : columns - column;
      for (size_t k = start; k < end; k++) {
        for (size_t j = 0; j < used; j++) packed[j] = b[(column + j) * stride + k];
        for (size_t j = used; j < width; j++) packed[j] = 0;
        packed += width;
      }
      column += width;
    }
  }
}

/// One tile of C. `rows` and `vectors` are constants wherever this is inlined.
///
/// Rows are reached in threes from pointers of their own, as far as an address can be scaled.
INLINE void NAME(tile)(const size_t rows, const size_t vectors, size_t depth, const ELEMENT *a,
                       size_t stride, const ELEMENT *panel, ELEMENT *c, size_t c_stride,
                       size_t columns, int adding) {
  NAME(vector) sums[12][2];
  const ELEMENT *starts[4];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) {
    if (r % 3 == 0) starts[r / 3] = a + r * stride;
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) sums[r][v] = (NAME(vector))(0);
  }
#pragma clang loop unroll_count(4)
  for (size_t k = 0; k < depth; k++) {
    NAME(vector) b[2];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) b[v] = NAME(load)(panel + v * NAME(LANES));
    panel += vectors * NAME(LANES);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) {
      const NAME(vector) x = (NAME(vector))(starts[r / 3][r % 3 * stride + k]);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < vectors; v++) {
        sums[r][v] = NAME(multiply_add)(x, b[v], sums[r][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++) {
    ELEMENT *target = c + r * c_stride;
    if (columns == vectors * NAME(LANES)) {
#pragma clang loop unroll(full)
      for (size_t v = 0; v < vectors; v++) {
        NAME(vector) sum = sums[r][v];
        if (adding) sum = NAME(load)(target + v * NAME(LANES)) + sum;
        __builtin_memcpy(target + v * NAME(LANES), &sum, sizeof sum);
      }
    } else {
      ELEMENT row[NAME(WIDE)];
      __builtin_memcpy(row, sums[r], sizeof row);
      for (size_t j = 0; j < columns; j++) target[j] = adding ? target[j] + row[j] : row[j];
    }
  }
}

#define TILE(KIND, ROWS, VECTORS)                                                               \
  static void NAME(KIND##_##ROWS)(size_t depth, const ELEMENT *a, size_t stride,                \
                                  const ELEMENT *panel, ELEMENT *c, size_t c_stride,            \
                                  size_t columns, int adding) {                                 \
    NAME(tile)(ROWS, VECTORS, depth, a, stride, panel, c, c_stride, columns, adding);           \
  }
TILE(wide, 1, 2) TILE(wide, 3, 2) TILE(wide, 6, 2)
#if WIDE_ROWS == 12
TILE(wide, 12, 2)
#endif
TILE(narrow, 1, 1) TILE(narrow, 3, 1) TILE(narrow, 6, 1) TILE(narrow, 12, 1)
#undef TILE

static void NAME(product)(size_t rows, size_t depth, size_t columns, const ELEMENT *a,
                          size_t a_stride, const ELEMENT *packed, ELEMENT *c, size_t c_stride,
                          int adding) {
  if (depth == 0 && !adding) {
    for (size_t r = 0; r < rows; r++) {
      for (size_t j = 0; j < columns; j++) c[r * c_stride + j] = 0;
    }
  }
  for (size_t start = 0; start < depth; start += DECAF_DENSE_DEPTH) {
    const size_t length =
        start + DECAF_DENSE_DEPTH < depth ? DECAF_DENSE_DEPTH : depth - start;
    const int is_adding = adding || start > 0;
    size_t chunk = 0;
    for (size_t row = 0; row < rows;) {
      const size_t left = rows - row;
      const size_t count = left >= 12 ? 12 : left >= 6 ? 6 : left >= 3 ? 3 : 1;
      const ELEMENT *panel = packed, *from = a + row * a_stride + start;
      for (size_t column = 0; column < columns;) {
        const size_t width = NAME(panel_width)(column, columns);
        const size_t used = width < columns - column ? width : columns - column;
        ELEMENT *to = c + row * c_stride + column;
#define RUN(ROWS, FROM, TO)                                                                     \
  if (width == NAME(WIDE)) {                                                                    \
    NAME(wide_##ROWS)(length, FROM, a_stride, panel, TO, c_stride, used, is_adding);            \
  } else {                                                                                      \
    NAME(narrow_##ROWS)(length, FROM, a_stride, panel, TO, c_stride, used, is_adding);          \
  }
        switch (count) {
        case 12:
#if WIDE_ROWS < 12
          if (width == NAME(WIDE)) {
            NAME(wide_6)(length, from, a_stride, panel, to, c_stride, used, is_adding);
            NAME(wide_6)(length, from + 6 * a_stride, a_stride, panel, to + 6 * c_stride, c_stride,
                         used, is_adding);
          } else {
            NAME(narrow_12)(length, from, a_stride, panel, to, c_stride, used, is_adding);
          }
#else
          RUN(12, from, to)
#endif
          break;
        case 6: RUN(6, from, to) break;
        case 3: RUN(3, from, to) break;
        default: RUN(1, from, to)
        }
#undef RUN
        panel += length * width;
        column += width;
      }
      chunk = (size_t)(panel - packed);
      row += count;
    }
    packed += chunk;
  }
}

#undef ELEMENT
#undef NAME
