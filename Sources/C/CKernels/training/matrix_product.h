// Packing and the matrix product for one element type. The including file defines
//   ELEMENT       float or double,
//   NAME(x)       x with the type's suffix,
// besides what kernels.h demands.

enum { NAME(LANES) = VECTOR_BYTES / sizeof(ELEMENT), NAME(PAIR) = 2 * NAME(LANES) };

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

/// The width of the panel that starts at `column`: a single vector where the rest fits, else a pair.
INLINE size_t NAME(panel_width)(size_t column, size_t columns) {
  return columns - column <= NAME(LANES) ? NAME(LANES) : NAME(PAIR);
}

static size_t NAME(packed_count)(size_t depth, size_t columns) {
  return depth * (columns + NAME(PAIR));
}

static void NAME(pack)(const ELEMENT *b, size_t stride, size_t depth, size_t columns,
                       ELEMENT *packed) {
  for (size_t start = 0; start < depth; start += DECAF_PRODUCT_SLAB) {
    const size_t end = start + DECAF_PRODUCT_SLAB < depth ? start + DECAF_PRODUCT_SLAB : depth;
    const size_t whole = columns / NAME(PAIR) * NAME(PAIR), panel = (end - start) * NAME(PAIR);
    // Row by row: B is read as it lies in memory, which may be far from the processor.
    for (size_t k = start; k < end; k++) {
      ELEMENT *to = packed + (k - start) * NAME(PAIR);
      for (size_t column = 0; column < whole; column += NAME(PAIR), to += panel) {
        __builtin_memcpy(to, b + k * stride + column, NAME(PAIR) * sizeof(ELEMENT));
      }
    }
    packed += (end - start) * whole;
    if (whole == columns) continue;
    const size_t width = NAME(panel_width)(whole, columns);
    for (size_t k = start; k < end; k++, packed += width) {
      const ELEMENT *from = b + k * stride + whole;
      for (size_t j = 0; j < width; j++) packed[j] = j < columns - whole ? from[j] : 0;
    }
  }
}

static void NAME(pack_transposed)(const ELEMENT *b, size_t stride, size_t depth, size_t columns,
                                  ELEMENT *packed) {
  for (size_t start = 0; start < depth; start += DECAF_PRODUCT_SLAB) {
    const size_t end = start + DECAF_PRODUCT_SLAB < depth ? start + DECAF_PRODUCT_SLAB : depth;
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

/// One block of C. `rows` and `vectors` are constants wherever this is inlined.
///
/// Each element is one chain of multiply-adds over the depth from zero, and then added to C: the
/// same in every block that can hold it.
///
/// Rows are reached in threes from pointers of their own, as far as an address can be scaled.
INLINE void NAME(block)(const size_t rows, const size_t vectors, size_t depth, const ELEMENT *a,
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
      ELEMENT row[NAME(PAIR)];
      __builtin_memcpy(row, sums[r], sizeof row);
      for (size_t j = 0; j < columns; j++) target[j] = adding ? target[j] + row[j] : row[j];
    }
  }
}

#define BLOCK(KIND, ROWS, VECTORS)                                                               \
  static void NAME(KIND##_##ROWS)(size_t depth, const ELEMENT *a, size_t stride,                \
                                  const ELEMENT *panel, ELEMENT *c, size_t c_stride,            \
                                  size_t columns, int adding) {                                 \
    NAME(block)(ROWS, VECTORS, depth, a, stride, panel, c, c_stride, columns, adding);           \
  }
BLOCK(pair, 1, 2) BLOCK(pair, 3, 2) BLOCK(pair, 6, 2)
#if PAIR_ROWS == 12
BLOCK(pair, 12, 2)
#endif
BLOCK(single, 1, 1) BLOCK(single, 3, 1) BLOCK(single, 6, 1) BLOCK(single, 12, 1)
#undef BLOCK

/// One panel's part of `rows` rows of C, 12, 6, 3 or 1; `pair`: the panel is a pair of vectors wide.
INLINE void NAME(panel_product)(size_t rows, int pair, size_t depth, const ELEMENT *a, size_t stride,
                                const ELEMENT *panel, ELEMENT *c, size_t c_stride, size_t columns,
                                int adding) {
#define RUN(ROWS)                                                                               \
  if (pair) {                                                                                   \
    NAME(pair_##ROWS)(depth, a, stride, panel, c, c_stride, columns, adding);                   \
  } else {                                                                                      \
    NAME(single_##ROWS)(depth, a, stride, panel, c, c_stride, columns, adding);                 \
  }
  switch (rows) {
  case 12:
#if PAIR_ROWS < 12
    // Sums of twelve pairs do not fit the registers.
    if (pair) {
      NAME(pair_6)(depth, a, stride, panel, c, c_stride, columns, adding);
      NAME(pair_6)(depth, a + 6 * stride, stride, panel, c + 6 * c_stride, c_stride, columns, adding);
    } else {
      NAME(single_12)(depth, a, stride, panel, c, c_stride, columns, adding);
    }
#else
    RUN(12)
#endif
    break;
  case 6: RUN(6) break;
  case 3: RUN(3) break;
  default: RUN(1)
  }
#undef RUN
}

static void NAME(product)(size_t rows, size_t depth, size_t columns, const ELEMENT *a,
                          size_t a_stride, const ELEMENT *packed, ELEMENT *c, size_t c_stride,
                          int adding) {
  if (depth == 0 && !adding) {
    for (size_t r = 0; r < rows; r++) {
      for (size_t j = 0; j < columns; j++) c[r * c_stride + j] = 0;
    }
  }
  for (size_t start = 0; start < depth; start += DECAF_PRODUCT_SLAB) {
    const size_t length =
        start + DECAF_PRODUCT_SLAB < depth ? DECAF_PRODUCT_SLAB : depth - start;
    const int is_adding = adding || start > 0;
    size_t chunk = 0;
    for (size_t row = 0; row < rows;) {
      const size_t left = rows - row;
      const size_t count = left >= 12 ? 12 : left >= 6 ? 6 : left >= 3 ? 3 : 1;
      const ELEMENT *panel = packed, *from = a + row * a_stride + start;
      for (size_t column = 0; column < columns;) {
        const size_t width = NAME(panel_width)(column, columns);
        const size_t used = width < columns - column ? width : columns - column;
        NAME(panel_product)(count, width == NAME(PAIR), length, from, a_stride, panel,
                            c + row * c_stride + column, c_stride, used, is_adding);
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
