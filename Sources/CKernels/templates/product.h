// The matrix product: blocks of up to BLOCK_ROWS rows × PANEL_WIDTH outputs, accumulators in
// registers, inputs broadcast from where they lie.

/// Depth that one pass over the rows covers: 256 × 16 weights are half of a 32 KiB cache.
enum { BLOCK_DEPTH = 256 };

/// What every block of rows has in common.
typedef struct {
  const decaf_segment *segments;
  size_t segment_count;
  const float *weights;
  /// Start of the chain, or null: continue from what the output holds.
  const float *biases;
  int rectify;
} slab;

/// `row_count` is a constant wherever this is inlined, so that `sums` stays in registers.
INLINE void block(const size_t row_count, const slab *s, const float *input,
                  const int32_t *input_rows, float *output, const int32_t *output_rows) {
  vector sums[BLOCK_ROWS][2];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
    const float *start = s->biases ? s->biases : output + output_rows[r];
    sums[r][0] = load(start);
    sums[r][1] = load(start + VECTOR_WIDTH);
  }

  const float *weights = s->weights;
  for (size_t i = 0; i < s->segment_count; i++) {
    const float *rows[BLOCK_ROWS];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < row_count; r++) {
      rows[r] = input + input_rows[r] + s->segments[i].offset;
    }
    const size_t length = (size_t)s->segments[i].length;
#pragma clang loop unroll_count(4)
    for (size_t k = 0; k < length; k++) {
      const vector w0 = load(weights), w1 = load(weights + VECTOR_WIDTH);
      weights += PANEL_WIDTH;
#pragma clang loop unroll(full)
      for (size_t r = 0; r < row_count; r++) {
        const vector x = splat(rows[r][k]);
        sums[r][0] = multiply_add(x, w0, sums[r][0]);
        sums[r][1] = multiply_add(x, w1, sums[r][1]);
      }
    }
  }

#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
    float *end = output + output_rows[r];
    store(end, s->rectify ? rectified(sums[r][0]) : sums[r][0]);
    store(end + VECTOR_WIDTH, s->rectify ? rectified(sums[r][1]) : sums[r][1]);
  }
}

typedef void block_function(const slab *, const float *, const int32_t *, float *, const int32_t *);

#define BLOCK(ROWS)                                                                          \
  static void block_##ROWS(const slab *s, const float *input, const int32_t *input_rows,     \
                           float *output, const int32_t *output_rows) {                      \
    block(ROWS, s, input, input_rows, output, output_rows);                                  \
  }
BLOCK(1) BLOCK(2) BLOCK(3) BLOCK(4)
#if BLOCK_ROWS >= 6
BLOCK(5) BLOCK(6)
#endif
#if BLOCK_ROWS >= 12
BLOCK(7) BLOCK(8) BLOCK(9) BLOCK(10) BLOCK(11) BLOCK(12)
#endif

static block_function *const block_functions[BLOCK_ROWS + 1] = {
    0, block_1, block_2, block_3, block_4,
#if BLOCK_ROWS >= 6
    block_5, block_6,
#endif
#if BLOCK_ROWS >= 12
    block_7, block_8, block_9, block_10, block_11, block_12,
#endif
};

/// One block of a panel that has only `width` outputs: works on a full-width copy.
static void narrow_block(size_t row_count, size_t width, const slab *s, const float *input,
                         const int32_t *input_rows, float *output, const int32_t *output_rows) {
  float tile[BLOCK_ROWS * PANEL_WIDTH];
  int32_t tile_rows[BLOCK_ROWS];
  for (size_t r = 0; r < row_count; r++) {
    tile_rows[r] = (int32_t)(r * PANEL_WIDTH);
    for (size_t j = 0; j < PANEL_WIDTH; j++) {
      tile[r * PANEL_WIDTH + j] = j < width && !s->biases ? output[output_rows[r] + (int32_t)j] : 0;
    }
  }
  block_functions[row_count](s, input, input_rows, tile, tile_rows);
  for (size_t r = 0; r < row_count; r++) {
    for (size_t j = 0; j < width; j++) {
      output[output_rows[r] + (int32_t)j] = tile[r * PANEL_WIDTH + j];
    }
  }
}

/// Runs one slab over all rows, in blocks of nearly equal size, fetching `next` meanwhile.
static void run_slab(const slab *s, const decaf_rows *rows, float *output, size_t width,
                     const char *next, size_t next_bytes) {
  const size_t block_count = (rows->count + BLOCK_ROWS - 1) / BLOCK_ROWS;
  size_t row = 0, fetched = 0;
  for (size_t b = 1; b <= block_count; b++) {
    const size_t row_end = rows->count * b / block_count;
    const size_t fetch_end = next_bytes * b / block_count;
    for (; fetched < fetch_end; fetched += 64) __builtin_prefetch(next + fetched, 0, 2);
    const int32_t *input_rows = rows->input_rows + row, *output_rows = rows->output_rows + row;
    if (width < PANEL_WIDTH) {
      narrow_block(row_end - row, width, s, rows->input, input_rows, output, output_rows);
    } else {
      block_functions[row_end - row](s, rows->input, input_rows, output, output_rows);
    }
    row = row_end;
  }
}

static void product(const decaf_product *p, const decaf_rows *rows, size_t first, size_t end,
                    size_t panels_per_pass, int rectify) {
  // With one block of rows nothing is gained by stopping on the way: read the weights in order.
  const size_t limit = rows->count <= BLOCK_ROWS ? p->depth : BLOCK_DEPTH;
  for (size_t pass = first; pass < end; pass += panels_per_pass) {
    const size_t pass_end = pass + panels_per_pass < end ? pass + panels_per_pass : end;
    size_t segment = 0, depth = 0;
    while (segment < p->segment_count) {
      size_t segment_end = segment, slab_depth = 0;
      do {
        slab_depth += (size_t)p->segments[segment_end++].length;
      } while (segment_end < p->segment_count &&
               slab_depth + (size_t)p->segments[segment_end].length <= limit);
      for (size_t panel = pass; panel < pass_end; panel++) {
        const size_t left = p->outputs - panel * PANEL_WIDTH;
        const slab s = {
            .segments = p->segments + segment,
            .segment_count = segment_end - segment,
            .weights = p->weights + (panel * p->depth + depth) * PANEL_WIDTH,
            .biases = segment == 0 ? p->biases + panel * PANEL_WIDTH : 0,
            .rectify = rectify && segment_end == p->segment_count,
        };
        // The next slab: this depth of the next panel, or the next depth of the pass's first one.
        const float *next = panel + 1 < pass_end
            ? s.weights + p->depth * PANEL_WIDTH
            : p->weights + (pass * p->depth + depth + slab_depth) * PANEL_WIDTH;
        const int is_last = panel + 1 == pass_end && segment_end == p->segment_count;
        run_slab(&s, rows, rows->output + panel * PANEL_WIDTH,
                 left < PANEL_WIDTH ? left : PANEL_WIDTH, (const char *)next,
                 is_last || limit == p->depth ? 0 : slab_depth * PANEL_WIDTH * sizeof(float));
      }
      segment = segment_end;
      depth += slab_depth;
    }
  }
}
