// A network's layers, forward and backward: see `include/layers.h`. Loops over channels, which lie
// side by side, are what the compiler makes vectors of; none of them changes an order of additions.

/// The rows or columns of a map that a window covers, clipped: `begin` ..< `end`.
typedef struct {
  size_t begin, end;
} covered;

INLINE covered window_cover(size_t place, size_t kernel, size_t stride, size_t padding,
                            size_t side) {
  const size_t start = place * stride, end = start + kernel;
  return (covered){start > padding ? start - padding : 0,
                   end > padding ? smaller(end - padding, side) : 0};
}

static void gather_windows(const decaf_window_grid *w, const float *map, size_t channel,
                           size_t count, size_t first, size_t end, float *rows) {
  for (size_t place = first; place < end; place++) {
    const ptrdiff_t top =
        (ptrdiff_t)(place / w->output_width * w->stride_y) - (ptrdiff_t)w->padding_y;
    const ptrdiff_t left =
        (ptrdiff_t)(place % w->output_width * w->stride_x) - (ptrdiff_t)w->padding_x;
    for (size_t v = 0; v < w->kernel_y; v++) {
      const ptrdiff_t y = top + (ptrdiff_t)(v * w->dilation_y);
      if (y < 0 || y >= (ptrdiff_t)w->height) {
        __builtin_memset(rows, 0, w->kernel_x * count * sizeof(float));
        rows += w->kernel_x * count;
        continue;
      }
      const float *line = map + (size_t)y * w->width * w->channels + channel;
      const int is_inside = left >= 0 && left + (ptrdiff_t)w->kernel_x <= (ptrdiff_t)w->width;
      if (is_inside && w->dilation_x == 1 && count == w->channels) {
        __builtin_memcpy(rows, line + (size_t)left * count, w->kernel_x * count * sizeof(float));
        rows += w->kernel_x * count;
        continue;
      }
      for (size_t u = 0; u < w->kernel_x; u++, rows += count) {
        const ptrdiff_t x = left + (ptrdiff_t)(u * w->dilation_x);
        if (x < 0 || x >= (ptrdiff_t)w->width) {
          __builtin_memset(rows, 0, count * sizeof(float));
        } else {
          __builtin_memcpy(rows, line + (size_t)x * w->channels, count * sizeof(float));
        }
      }
    }
  }
}

static void scatter_windows(const decaf_window_grid *w, const float *rows, size_t channel,
                            size_t count, size_t first, size_t end, float *map) {
  for (size_t place = first; place < end; place++) {
    const ptrdiff_t top =
        (ptrdiff_t)(place / w->output_width * w->stride_y) - (ptrdiff_t)w->padding_y;
    const ptrdiff_t left =
        (ptrdiff_t)(place % w->output_width * w->stride_x) - (ptrdiff_t)w->padding_x;
    for (size_t v = 0; v < w->kernel_y; v++) {
      const ptrdiff_t y = top + (ptrdiff_t)(v * w->dilation_y);
      if (y < 0 || y >= (ptrdiff_t)w->height) {
        rows += w->kernel_x * count;
        continue;
      }
      float *line = map + (size_t)y * w->width * w->channels + channel;
      for (size_t u = 0; u < w->kernel_x; u++, rows += count) {
        const ptrdiff_t x = left + (ptrdiff_t)(u * w->dilation_x);
        if (x < 0 || x >= (ptrdiff_t)w->width) continue;
        float *restrict to = line + (size_t)x * w->channels;
        const float *restrict from = rows;
        for (size_t c = 0; c < count; c++) to[c] += from[c];
      }
    }
  }
}

static void max_pool_places(const decaf_window_grid *w, const float *map, float *output,
                            int32_t *places) {
  for (size_t y = 0; y < w->output_height; y++) {
    const covered rows = window_cover(y, w->kernel_y, w->stride_y, w->padding_y, w->height);
    for (size_t x = 0; x < w->output_width; x++) {
      const covered columns = window_cover(x, w->kernel_x, w->stride_x, w->padding_x, w->width);
      float *restrict best = output + (y * w->output_width + x) * w->channels;
      int32_t *restrict place = places + (y * w->output_width + x) * w->channels;
      const size_t start = rows.begin * w->width + columns.begin;
      for (size_t c = 0; c < w->channels; c++) {
        best[c] = map[start * w->channels + c];
        place[c] = (int32_t)start;
      }
      for (size_t v = rows.begin; v < rows.end; v++) {
        for (size_t u = columns.begin; u < columns.end; u++) {
          const int32_t pixel = (int32_t)(v * w->width + u);
          const float *restrict from = map + (size_t)pixel * w->channels;
          for (size_t c = 0; c < w->channels; c++) {
            const int is_larger = from[c] > best[c];
            best[c] = is_larger ? from[c] : best[c];
            place[c] = is_larger ? pixel : place[c];
          }
        }
      }
    }
  }
}

static void max_pool_gradient(const decaf_window_grid *w, const float *output_gradient,
                              const int32_t *places, float *map_gradient) {
  const size_t count = w->output_height * w->output_width;
  for (size_t i = 0; i < count; i++) {
    for (size_t c = 0; c < w->channels; c++) {
      map_gradient[(size_t)places[i * w->channels + c] * w->channels + c] +=
          output_gradient[i * w->channels + c];
    }
  }
}

/// The places that a window has along an axis of the map with its padding, as Caffe counts them.
INLINE size_t window_places(size_t place, size_t kernel, size_t stride, size_t padding,
                            size_t side) {
  const size_t start = place * stride;
  return smaller(start + kernel, side + 2 * padding) - start;
}

static void average_pool_rows(const decaf_window_grid *w, const float *map, float *output) {
  for (size_t y = 0; y < w->output_height; y++) {
    const covered rows = window_cover(y, w->kernel_y, w->stride_y, w->padding_y, w->height);
    const size_t height = window_places(y, w->kernel_y, w->stride_y, w->padding_y, w->height);
    for (size_t x = 0; x < w->output_width; x++) {
      const covered columns = window_cover(x, w->kernel_x, w->stride_x, w->padding_x, w->width);
      const size_t width = window_places(x, w->kernel_x, w->stride_x, w->padding_x, w->width);
      float *restrict sum = output + (y * w->output_width + x) * w->channels;
      for (size_t c = 0; c < w->channels; c++) sum[c] = 0;
      for (size_t v = rows.begin; v < rows.end; v++) {
        for (size_t u = columns.begin; u < columns.end; u++) {
          const float *restrict from = map + (v * w->width + u) * w->channels;
          for (size_t c = 0; c < w->channels; c++) sum[c] += from[c];
        }
      }
      const float divisor = (float)(height * width);
      for (size_t c = 0; c < w->channels; c++) sum[c] /= divisor;
    }
  }
}

static void average_pool_gradient(const decaf_window_grid *w, const float *output_gradient,
                                  float *map_gradient) {
  for (size_t y = 0; y < w->output_height; y++) {
    const covered rows = window_cover(y, w->kernel_y, w->stride_y, w->padding_y, w->height);
    const size_t height = window_places(y, w->kernel_y, w->stride_y, w->padding_y, w->height);
    for (size_t x = 0; x < w->output_width; x++) {
      const covered columns = window_cover(x, w->kernel_x, w->stride_x, w->padding_x, w->width);
      const size_t width = window_places(x, w->kernel_x, w->stride_x, w->padding_x, w->width);
      const float *restrict from = output_gradient + (y * w->output_width + x) * w->channels;
      const float divisor = (float)(height * width);
      for (size_t v = rows.begin; v < rows.end; v++) {
        for (size_t u = columns.begin; u < columns.end; u++) {
          float *restrict to = map_gradient + (v * w->width + u) * w->channels;
          for (size_t c = 0; c < w->channels; c++) to[c] += from[c] / divisor;
        }
      }
    }
  }
}

/// z^-beta of a row of positive numbers.
INLINE void inverse_powers(const float *z, size_t count, float beta, float *powers) {
  if (beta == 0.75f) {
    for (size_t c = 0; c < count; c += VECTOR_WIDTH) {
      store(powers + c, inverse_three_quarters(load(z + c)));
    }
  } else {
    for (size_t c = 0; c < count; c++) {
      powers[c] = (float)__builtin_pow((double)z[c], -(double)beta);
    }
  }
}

/// Sums of each channel's neighbours: `terms` has `size / 2` zeros before its first and behind its
/// last.
INLINE void neighbour_sums(const float *restrict terms, size_t size, size_t count,
                           float *restrict sums) {
  for (size_t c = 0; c < count; c++) sums[c] = terms[c];
  for (size_t j = 1; j < size; j++) {
    for (size_t c = 0; c < count; c++) sums[c] += terms[c + j];
  }
}

static void normalize_keeping(const decaf_normalization *layer, size_t pixels, const float *input,
                              float *output, float *z, float *scratch) {
  const size_t channels = layer->channels, reach = layer->size / 2;
  const size_t step = channels + layer->size + 32;
  const float scale = layer->alpha / (float)layer->size;
  float *restrict terms = scratch, *restrict sums = scratch + step;
  float *restrict powers = scratch + 2 * step;
  for (size_t c = 0; c < step; c++) terms[c] = 0;
  // What is beyond the channels is raised to a power like the rest, in whole vectors.
  for (size_t c = 0; c < step; c++) sums[c] = 1;
  for (size_t p = 0; p < pixels; p++) {
    const float *from = input + p * channels;
    for (size_t c = 0; c < channels; c++) terms[reach + c] = from[c] * from[c];
    neighbour_sums(terms, layer->size, channels, sums);
    for (size_t c = 0; c < channels; c++) sums[c] = layer->k + scale * sums[c];
    inverse_powers(sums, channels, layer->beta, powers);
    float *to = output + p * channels, *kept = z + p * channels;
    for (size_t c = 0; c < channels; c++) kept[c] = sums[c];
    for (size_t c = 0; c < channels; c++) to[c] = from[c] * powers[c];
  }
}

/// `da[c] = db[c] · z[c]^-beta - 2 · alpha · beta / size · a[c] · Σ db[j] · b[j] / z[j]`, j around c.
static void normalize_gradient(const decaf_normalization *layer, size_t pixels, const float *input,
                               const float *output, const float *z, const float *output_gradient,
                               float *input_gradient, float *scratch) {
  const size_t channels = layer->channels, reach = layer->size / 2;
  const size_t step = channels + layer->size + 32;
  const float scale = 2 * layer->alpha * layer->beta / (float)layer->size;
  float *restrict terms = scratch, *restrict sums = scratch + step;
  float *restrict powers = scratch + 2 * step;
  for (size_t c = 0; c < step; c++) terms[c] = 0;
  for (size_t c = 0; c < step; c++) sums[c] = 1;
  for (size_t p = 0; p < pixels; p++) {
    const size_t start = p * channels;
    for (size_t c = 0; c < channels; c++) sums[c] = z[start + c];
    inverse_powers(sums, channels, layer->beta, powers);
    for (size_t c = 0; c < channels; c++) {
      terms[reach + c] = output_gradient[start + c] * output[start + c] / z[start + c];
    }
    neighbour_sums(terms, layer->size, channels, sums);
    for (size_t c = 0; c < channels; c++) {
      input_gradient[start + c] =
          output_gradient[start + c] * powers[c] - scale * input[start + c] * sums[c];
    }
  }
}

static void rectify_slope(float *values, size_t count, float slope) {
  for (size_t i = 0; i < count; i++) values[i] = values[i] < 0 ? slope * values[i] : values[i];
}

static void rectify_gradient(const float *restrict output, float *restrict gradient, size_t count,
                             float slope) {
  for (size_t i = 0; i < count; i++) {
    gradient[i] = output[i] > 0 ? gradient[i] : slope * gradient[i];
  }
}

static uint32_t largest_magnitude(const float *values, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    __builtin_memcpy(&bits, values + i, sizeof bits);
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

static float descend(float *restrict w, float *restrict h, const float *restrict g, size_t count,
                     float scale, float rate, float momentum, float decay) {
  for (size_t i = 0; i < count; i++) {
    const float gradient = scale * g[i] + decay * w[i];
    h[i] = momentum * h[i] + rate * gradient;
    w[i] -= h[i];
  }
  const uint32_t bits = largest_magnitude(w, count);
  float largest;
  __builtin_memcpy(&largest, &bits, sizeof largest);
  return largest;
}

static void add_pairs(const float *values, double scale, size_t count, int64_t *units) {
  for (size_t i = 0; i < count / 2; i++) {
    // Adding 1.5 · 2^52 rounds to a whole number: halves to even, on every processor.
    const double low = (double)values[2 * i] * scale + 0x1.8p52 - 0x1.8p52;
    const double high = (double)values[2 * i + 1] * scale + 0x1.8p52 - 0x1.8p52;
    units[i] += (int64_t)high * ((int64_t)1 << 32) + (int64_t)low;
  }
  if (count % 2 == 1) {
    units[count / 2] += (int64_t)((double)values[count - 1] * scale + 0x1.8p52 - 0x1.8p52);
  }
}

static void read_pairs(const int64_t *units, double scale, size_t count, float *values) {
  for (size_t i = 0; i < count; i++) {
    const int64_t unit = units[i / 2];
    const int32_t low = (int32_t)unit;
    const int64_t high = (unit - low) >> 32;
    values[i] = (float)((double)(i % 2 == 0 ? low : high) * scale);
  }
}

/// Below 2^51 the bits of x + 1.5 · 2^52 are those of 1.5 · 2^52 and x, rounded to a whole number,
/// halves to even: a conversion that every instruction set has.
static const double unit_offset = 0x1.8p52;
static const int64_t unit_offset_bits = 0x4338000000000000;

static void add_units(const float *restrict values, double scale, size_t count,
                      int64_t *restrict units) {
  for (size_t i = 0; i < count; i++) {
    const double shifted = (double)values[i] * scale + unit_offset;
    int64_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    units[i] += bits - unit_offset_bits;
  }
}

static void read_units(const int64_t *restrict units, double scale, size_t count,
                       float *restrict values) {
  for (size_t i = 0; i < count; i++) {
    const int64_t bits = units[i] + unit_offset_bits;
    double shifted;
    __builtin_memcpy(&shifted, &bits, sizeof shifted);
    values[i] = (float)((shifted - unit_offset) * scale);
  }
}

static void add_row(const float *restrict row, size_t rows, size_t columns,
                    float *restrict matrix, size_t stride) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) matrix[r * stride + c] += row[c];
  }
}

static void sum_columns(const float *restrict matrix, size_t stride, size_t rows, size_t columns,
                        double *restrict sums) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) sums[c] += (double)matrix[r * stride + c];
  }
}

static void turn_matrix(const float *matrix, size_t stride, size_t rows, size_t columns, float *to,
                      size_t to_stride) {
  enum { SIDE = 16 };
  for (size_t r = 0; r < rows; r += SIDE) {
    const size_t last_row = smaller(r + SIDE, rows);
    for (size_t c = 0; c < columns; c += SIDE) {
      const size_t last_column = smaller(c + SIDE, columns);
      for (size_t i = r; i < last_row; i++) {
        for (size_t j = c; j < last_column; j++) to[j * to_stride + i] = matrix[i * stride + j];
      }
    }
  }
}
