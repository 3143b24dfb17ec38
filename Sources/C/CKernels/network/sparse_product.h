// Inner products of inputs that are mostly zero, as they are behind a ReLU. A zero adds nothing to
// any sum, so only the weights of the other inputs are multiplied, and for few rows only they are
// read. The rest is added in the same order as in inner_product.h: the bits are the same.
//
// That is exact: for a finite weight w, 0 · w is +0 or -0, and adding that changes no sum but one
// of -0. Sums begin with +0, so only a product too small to be a number can leave a -0 behind, and
// the next number that counts, or the bias, makes the same of both zeros. An infinite weight or NaN
// would make 0 · w NaN: callers see to it that there is none. An input that is NaN differs from 0
// and counts.
//
// A number takes a load of weights for every multiply-add, where dense blocks take half of one: it
// pays while little more than half of the inputs are not zero.

/// Outputs of a panel of weights, those that are computed side by side, and their vectors: as many
/// as sums that hide the latency of a multiply-add, or that there are registers for.
enum {
  PANEL_OUTPUTS = DECAF_PANEL_OUTPUTS,
  WALK_VECTORS = SUM_REGISTERS,
  WALK_OUTPUTS = WALK_VECTORS * VECTOR_WIDTH,
};

/// Nonzero inputs, in a walk of its own, that the weights are fetched ahead.
enum { FETCH_DISTANCE = 16 };

/// An input and where its weights lie, in floats from the slab's beginning.
typedef struct __attribute__((may_alias)) {
  float value;
  uint32_t place;
} nonzero;

typedef uint32_t packed_number __attribute__((may_alias));

/// Packed rows: how many inputs make a slab; for each slab and row of it where its numbers begin,
/// and where the last ends; then the numbers.
typedef struct {
  size_t slab;
  const packed_number *starts;
  const nonzero *numbers;
} sparse_rows;

static sparse_rows read_sparse_rows(const float *packed, size_t count, size_t depth) {
  const packed_number *header = (const packed_number *)packed;
  const size_t slab = header[0], slabs = (depth + slab - 1) / slab;
  return (sparse_rows){slab, header + 1, (const nonzero *)(packed + (slabs * count + 3) / 2 * 2)};
}

static size_t pack_nonzeros(const float *input, size_t pitch, size_t count, size_t depth,
                            size_t most, float *packed) {
  size_t total = 0;
  for (size_t r = 0; r < count; r++) {
    const float *row = input + r * pitch;
    uint32_t nonzeros = 0;
    for (size_t k = 0; k < depth; k++) nonzeros += row[k] != 0;
    total += nonzeros;
  }
  if (total > most) return total;
  packed_number *header = (packed_number *)packed;
  // A walk through a panel in slabs reads all of it once, for all rows; a row that goes its own way
  // reads what it multiplies, from memory. So slabs pay as soon as the rows together have more
  // numbers than the panel has inputs.
  header[0] = (uint32_t)(total <= depth ? depth : DECAF_SPARSE_SLAB);
  const sparse_rows rows = read_sparse_rows(packed, count, depth);
  packed_number *start = header + 1;
  nonzero *first = (nonzero *)rows.numbers, *next = first;
  for (size_t k = 0; k < depth; k += rows.slab) {
    const size_t end = k + rows.slab < depth ? k + rows.slab : depth;
    for (size_t r = 0; r < count; r++) {
      *start++ = (uint32_t)(next - first);
      // Without a branch, which nobody could predict: a zero is written over by the next number.
      for (size_t i = k; i < end; i++) {
        const float value = input[r * pitch + i];
        *next = (nonzero){value, (uint32_t)((i - k) * PANEL_OUTPUTS)};
        next += value != 0;
      }
    }
  }
  *start = (uint32_t)(next - first);
  return total;
}

/// Adds what the numbers `first` ..< `end` contribute. `fetches` is a constant: whether weights are
/// fetched FETCH_DISTANCE numbers ahead, behind the last number those of `coming`.
INLINE void add_nonzeros(const nonzero *first, const nonzero *end, const unaligned_float *weights,
                         const unaligned_float *coming, const int fetches, vector *sums) {
  const nonzero *ahead = first + FETCH_DISTANCE;
  for (const nonzero *number = first; number < end; number++, ahead++) {
    const unaligned_float *w = weights + number->place;
    const vector x = splat(number->value);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < WALK_VECTORS; v++) {
      sums[v] = multiply_add(x, load_unaligned(w + v * VECTOR_WIDTH), sums[v]);
    }
    if (fetches) {
      const unaligned_float *line =
          ahead < end ? weights + ahead->place : coming + ahead[first - end].place;
#pragma clang loop unroll(full)
      for (size_t i = 0; i < WALK_OUTPUTS; i += 16) __builtin_prefetch(line + i, 0, 2);
    }
  }
}

/// A panel for rows that go their own ways, one after the other.
static void multiply_rows(const decaf_inner_product *p, const sparse_rows *rows, size_t count,
                          const unaligned_float *panel, size_t first, size_t width, float *output,
                          size_t pitch, int rectify) {
  for (size_t r = 0; r < count; r++) {
    const nonzero *start = rows->numbers + rows->starts[r];
    const nonzero *end = rows->numbers + rows->starts[r + 1];
    const int is_short = end - start < FETCH_DISTANCE;
    float totals[PANEL_OUTPUTS];
    for (size_t o = 0; o < PANEL_OUTPUTS; o += WALK_OUTPUTS) {
      vector sums[WALK_VECTORS];
#pragma clang loop unroll(full)
      for (size_t v = 0; v < WALK_VECTORS; v++) sums[v] = splat(0);
      if (is_short) {
        add_nonzeros(start, end, panel + o, 0, 0, sums);
      } else {
        const size_t step =
            o + WALK_OUTPUTS < PANEL_OUTPUTS ? WALK_OUTPUTS : PANEL_OUTPUTS * p->depth - o;
        add_nonzeros(start, end, panel + o, panel + o + step, 1, sums);
      }
#pragma clang loop unroll(full)
      for (size_t v = 0; v < WALK_VECTORS; v++) store(totals + o + v * VECTOR_WIDTH, sums[v]);
    }
    finish_row(p, totals, first, width, output + r * pitch, rectify);
  }
}

/// A panel for all rows, slab by slab.
static void multiply_slabs(const decaf_inner_product *p, const sparse_rows *rows, size_t count,
                           const unaligned_float *panel, size_t first, size_t width, float *sums,
                           float *output, size_t pitch, int rectify) {
  const packed_number *starts = rows->starts;
  for (size_t k = 0; k < p->depth; k += rows->slab, panel += rows->slab * PANEL_OUTPUTS) {
    // Every row fetches its share of the next slab's weights, behind the last one's the next
    // panel's.
    const char *coming = (const char *)(panel + rows->slab * PANEL_OUTPUTS);
    const size_t lines = rows->slab * PANEL_OUTPUTS / 16;
    size_t line = 0;
    for (size_t r = 0; r < count; r++, starts++) {
      for (const size_t share = lines * (r + 1) / count; line < share; line++) {
        __builtin_prefetch(coming + 64 * line, 0, 2);
      }
      const nonzero *start = rows->numbers + starts[0], *end = rows->numbers + starts[1];
      for (size_t o = 0; o < PANEL_OUTPUTS; o += WALK_OUTPUTS) {
        float *place = sums + r * PANEL_OUTPUTS + o;
        vector walk[WALK_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < WALK_VECTORS; v++) {
          walk[v] = k > 0 ? load(place + v * VECTOR_WIDTH) : splat(0);
        }
        add_nonzeros(start, end, panel + o, 0, 0, walk);
#pragma clang loop unroll(full)
        for (size_t v = 0; v < WALK_VECTORS; v++) store(place + v * VECTOR_WIDTH, walk[v]);
      }
    }
  }
  for (size_t r = 0; r < count; r++) {
    finish_row(p, sums + r * PANEL_OUTPUTS, first, width, output + r * pitch, rectify);
  }
}

static void sparse_inner_product(const decaf_inner_product *p, const float *packed, size_t count,
                                 size_t first, size_t end, float *sums, float *output, size_t pitch,
                                 int rectify) {
  const sparse_rows rows = read_sparse_rows(packed, count, p->depth);
  const unaligned_float *panels = p->weights;
  for (size_t o = first; o < end; o += PANEL_OUTPUTS) {
    const unaligned_float *panel = panels + o * p->depth;
    const size_t width = end - o < PANEL_OUTPUTS ? end - o : PANEL_OUTPUTS;
    if (rows.slab == p->depth) {
      multiply_rows(p, &rows, count, panel, o, width, output, pitch, rectify);
    } else {
      multiply_slabs(p, &rows, count, panel, o, width, sums + first * count, output, pitch, rectify);
    }
  }
}
