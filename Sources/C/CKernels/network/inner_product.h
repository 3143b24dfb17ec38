// Inner products with weights used where they lie, row-major: the outputs are the rows of the
// micro-kernel, whose panels are packed inputs; a single input goes another way, with the same
// chains.

/// Depth that one walk over the outputs covers: the packed inputs of 64 rows stay in the second
/// cache, which has a megabyte or more where vectors are wide, a quarter of one elsewhere.
enum { SLAB_DEPTH = VECTOR_WIDTH == 16 ? 2048 : 512 };

/// Vectors of the panels that `count` rows are packed in: as few as hold them, all equally wide.
static size_t packed_vectors(size_t count) {
  const size_t vectors = (count + VECTOR_WIDTH - 1) / VECTOR_WIDTH;
  const size_t panels = (vectors + PANEL_VECTORS - 1) / PANEL_VECTORS;
  return (vectors + panels - 1) / panels;
}

/// To [slab of the depth][panel of rows][k][row]: what the walk of `inner_product` reads, in order.
static void pack_inputs(const float *input, size_t pitch, size_t count, size_t depth,
                        float *packed) {
  const size_t panel_width = packed_vectors(count) * VECTOR_WIDTH;
  for (size_t k = 0; k < depth; k += SLAB_DEPTH) {
    const size_t end = k + SLAB_DEPTH < depth ? k + SLAB_DEPTH : depth;
    for (size_t first = 0; first < count; first += panel_width) {
      const size_t width = count - first < panel_width ? count - first : panel_width;
      for (size_t i = k; i < end; i++, packed += panel_width) {
        size_t r = 0;
        for (; r < width; r++) packed[r] = input[(first + r) * pitch + i];
        for (; r < panel_width; r++) packed[r] = 0;
      }
    }
  }
}

/// Output `o` of every row, from its sums: with bias, to its place.
static void finish_outputs(const decaf_inner_product *p, const float *sums, size_t step,
                           size_t first, size_t end, float *output, size_t pitch, size_t count,
                           int rectify) {
  for (size_t o = first; o < end; o += VECTOR_WIDTH) {
    const size_t o_end = o + VECTOR_WIDTH < end ? o + VECTOR_WIDTH : end;
    for (size_t r = 0; r < count; r++) {
      for (size_t i = o; i < o_end; i++) {
        const float value = sums[i * step + r] + p->biases[i];
        output[r * pitch + i] = rectify && value < 0 ? 0 : value;
      }
    }
  }
}

static void inner_product(const decaf_inner_product *p, const float *packed, size_t count,
                          size_t first, size_t end, float *sums, float *output, size_t pitch,
                          int rectify) {
  const size_t vectors = packed_vectors(count), panel_width = vectors * VECTOR_WIDTH;
  const size_t panels = (count + panel_width - 1) / panel_width, step = panels * panel_width;
  const size_t largest_block = most_rows(vectors);
  const unaligned_float *weights = p->weights;
  int32_t input_rows[BLOCK_ROWS], output_rows[BLOCK_ROWS];
  for (size_t r = 0; r < largest_block; r++) {
    input_rows[r] = (int32_t)(r * p->depth);
    output_rows[r] = (int32_t)(r * step);
  }
  const size_t block_count = (end - first + largest_block - 1) / largest_block;
  for (size_t k = 0; k < p->depth; k += SLAB_DEPTH) {
    const size_t depth = p->depth - k < SLAB_DEPTH ? p->depth - k : SLAB_DEPTH;
    size_t o = first;
    for (size_t b = 1; b <= block_count; b++) {
      const size_t block_end = first + (end - first) * b / block_count;
      const float *panel = packed + k * step;
      for (size_t i = 0; i < panels; i++, panel += depth * panel_width) {
        // Every panel's walk fetches its share of the next block's weights.
        const size_t next_end = first + (end - first) * (b + 1) / block_count;
        const size_t coming = b < block_count ? next_end - block_end : 0;
        const size_t share = coming * i / panels, share_end = coming * (i + 1) / panels;
        const lookahead next = {.rows = weights + (block_end + share) * p->depth + k,
                                .row_pitch = p->depth,
                                .row_count = share_end - share};
        row_blocks[vectors][block_end - o](panel, depth, weights + o * p->depth + k, input_rows,
                                           sums + o * step + i * panel_width, output_rows,
                                           k > 0, &next);
      }
      o = block_end;
    }
  }
  finish_outputs(p, sums, step, first, end, output, pitch, count, rectify);
}

#if VECTOR_WIDTH == 16
#define LOW_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_WIDTH == 8
#define LOW_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#else
#define LOW_HALVES 0, 4, 1, 5
#define HIGH_HALVES 2, 6, 3, 7
#endif

/// Transposes VECTOR_WIDTH vectors: interleaving the first half with the second, log₂ times over,
/// is a rotation of the bits of every number's place.
INLINE void transpose(vector *rows) {
  vector other[VECTOR_WIDTH];
  vector *from = rows, *to = other;
#pragma clang loop unroll(full)
  for (size_t size = 1; size < VECTOR_WIDTH; size *= 2) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < VECTOR_WIDTH / 2; i++) {
      const vector a = from[i], b = from[i + VECTOR_WIDTH / 2];
      to[2 * i] = __builtin_shufflevector(a, b, LOW_HALVES);
      to[2 * i + 1] = __builtin_shufflevector(a, b, HIGH_HALVES);
    }
    vector *swap = from;
    from = to;
    to = swap;
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < VECTOR_WIDTH; i++) rows[i] = from[i];
}

#undef LOW_HALVES
#undef HIGH_HALVES

INLINE vector load_unaligned(const unaligned_float *p) {
  vector v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// Outputs that one walk over the input computes.
enum { ROW_OUTPUTS = 2 * VECTOR_WIDTH };

/// Floats of a row that are read, and of the same row fetched, one after the other: memory delivers
/// runs of a kilobyte faster than lines that lie far apart.
enum { RUN_LENGTH = 256 };

/// `count` outputs of a row from `first` on, from their sums: with bias, to their places.
static void finish_row(const decaf_inner_product *p, const float *sums, size_t first, size_t count,
                       float *output, int rectify) {
  for (size_t i = 0; i < count; i++) {
    const float value = sums[i] + p->biases[first + i];
    output[first + i] = rectify && value < 0 ? 0 : value;
  }
}

static void inner_product_row(const decaf_inner_product *p, const float *input, size_t first,
                              size_t end, float *output, int rectify) {
  const unaligned_float *weights = p->weights;
  for (size_t o = first; o < end; o += ROW_OUTPUTS) {
    const size_t count = end - o < ROW_OUTPUTS ? end - o : ROW_OUTPUTS;
    const unaligned_float *rows[ROW_OUTPUTS];
    for (size_t r = 0; r < ROW_OUTPUTS; r++) {
      rows[r] = weights + (o + (r < count ? r : count - 1)) * p->depth;
    }
    vector sums[2] = {splat(0), splat(0)};
    const unaligned_float *next = rows[0];
    size_t fetched = 0;
    for (size_t k = 0; k < p->depth; k += VECTOR_WIDTH) {
      if (k % RUN_LENGTH == 0) {
        // These rows' next runs, or after their last the first ones of the next rows.
        next = k + RUN_LENGTH < p->depth ? rows[0] + k + RUN_LENGTH
                                         : rows[0] + ROW_OUTPUTS * p->depth;
        fetched = 0;
      }
#pragma clang loop unroll(full)
      for (size_t half = 0; half < 2; half++) {
        vector w[VECTOR_WIDTH];
#pragma clang loop unroll(full)
        for (size_t r = 0; r < VECTOR_WIDTH; r++) {
          w[r] = load_unaligned(rows[half * VECTOR_WIDTH + r] + k);
        }
        const unaligned_float *run =
            next + fetched / RUN_LENGTH * p->depth + fetched % RUN_LENGTH;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < VECTOR_WIDTH * VECTOR_WIDTH; i += 16) {
          __builtin_prefetch(run + i, 0, 2);
        }
        fetched += VECTOR_WIDTH * VECTOR_WIDTH;
        transpose(w);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < VECTOR_WIDTH; i++) {
          sums[half] = multiply_add(splat(input[k + i]), w[i], sums[half]);
        }
      }
    }
    float values[ROW_OUTPUTS];
    store(values, sums[0]);
    store(values + VECTOR_WIDTH, sums[1]);
    finish_row(p, values, o, count, output, rectify);
  }
}
