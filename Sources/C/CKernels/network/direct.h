// Convolutions straight from their definition: products whose rows are read where they lie in the map,
// or in a copy of its windows.

/// Floats of a panel that stay in the second cache while all rows go by: a slab.
enum { DIRECT_SLAB_FLOATS = 32 * 1024 };

/// With bias, to their places: the sums of all rows.
static void finish_pixels(const decaf_direct *d, const float *biases, const decaf_rows *rows,
                          const float *sums, float *output, size_t width, int rectify) {
  const vector floor = splat(rectify ? 0 : -__builtin_inff());
  for (size_t r = 0; r < rows->count; r++, sums += d->panel_width) {
    float *target = output + rows->output_rows[r];
    for (size_t o = 0; o < width; o += VECTOR_WIDTH) {
      const vector value = larger(load(sums + o) + load(biases + o), floor);
      if (o + VECTOR_WIDTH <= width) {
        store(target + o, value);
      } else {
        for (size_t i = o; i < width; i++) target[i] = value[i - o];
      }
    }
  }
}

static void direct_products(const decaf_direct *d, const float *input, const float *weights,
                            const float *biases, const decaf_rows *rows, float *sums,
                            float *output, size_t width, int rectify) {
  const size_t vectors = d->panel_width / VECTOR_WIDTH, largest_block = most_rows(vectors);
  const size_t block_count = (rows->count + largest_block - 1) / largest_block;
  const size_t segment_floats = d->segment_length * d->panel_width;
  size_t slab = DIRECT_SLAB_FLOATS / segment_floats;
  if (slab == 0) slab = 1;
  int32_t sum_rows[BLOCK_ROWS];
  for (size_t r = 0; r < BLOCK_ROWS; r++) sum_rows[r] = (int32_t)(r * d->panel_width);
  const lookahead nothing = {0};
  for (size_t first = 0; first < d->segment_count; first += slab) {
    const size_t end = smaller(first + slab, d->segment_count);
    size_t row = 0;
    for (size_t b = 1; b <= block_count; b++) {
      const size_t row_end = rows->count * b / block_count;
      panel_function *const block = row_blocks[vectors][row_end - row];
      for (size_t s = first; s < end; s++) {
        block(weights + s * segment_floats, d->segment_length, input + d->segments[s],
              rows->input_rows + row, sums + row * d->panel_width, sum_rows, s > 0, &nothing);
      }
      row = row_end;
    }
  }
  finish_pixels(d, biases, rows, sums, output, width, rectify);
}
