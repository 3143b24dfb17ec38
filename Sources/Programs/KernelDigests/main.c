// Prints a hash of what every kernel of an instruction set makes of seeded numbers, a line a kernel.
//
//   KernelDigests SET
//
// Instruction sets with fused multiply-add agree bit for bit, so the lines are the same for AVX2,
// AVX-512 and NEON; Scripts/check-neon compares them, NEON under an emulator.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ckernels.h"

static uint64_t state = 1;

/// Evenly distributed in -1..<1 (SplitMix64).
static float next_float(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (float)((z ^ (z >> 31)) >> 40) / (float)(1 << 23) - 1;
}

/// `count` numbers of the sequence, scaled, on a cache line.
static float *floats(size_t count, float scale) {
  float *values = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64);
  for (size_t i = 0; i < count; i++) values[i] = scale * next_float();
  return values;
}

/// `count` zeros of `size` bytes, on a cache line.
static void *zeros(size_t count, size_t size) {
  const size_t bytes = (count * size + 63) / 64 * 64 + 64;
  return memset(aligned_alloc(64, bytes), 0, bytes);
}

static double *doubles(size_t count) {
  double *values = aligned_alloc(64, (count * sizeof(double) + 63) / 64 * 64 + 64);
  for (size_t i = 0; i < count; i++) values[i] = next_float();
  return values;
}

/// FNV-1a.
static void print(const char *name, const void *bytes, size_t count) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < count; i++) {
    hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
  }
  printf("%-28s %016llx\n", name, (unsigned long long)hash);
}

static size_t widest_panel(const decaf_network_kernels *kernels) {
  return kernels->panel_vectors * kernels->vector_width;
}

static void inner_products(const decaf_network_kernels *kernels) {
  enum { ROWS = 13, DEPTH = 1040, OUTPUTS = 37 };
  state = 1;
  float *input = floats(ROWS * DEPTH, 1), *weights = floats(OUTPUTS * DEPTH, 1);
  float *biases = floats(OUTPUTS, 1), *output = zeros(ROWS * OUTPUTS, sizeof(float));
  const size_t panel_width = widest_panel(kernels);
  const size_t padded = (ROWS + panel_width - 1) / panel_width * panel_width;
  float *packed = zeros(padded * DEPTH, sizeof(float));
  float *sums = zeros(padded * OUTPUTS, sizeof(float));
  const decaf_inner_product product = {weights, biases, OUTPUTS, DEPTH};
  kernels->pack_inputs(input, DEPTH, ROWS, DEPTH, packed);
  kernels->inner_product(&product, packed, ROWS, 0, OUTPUTS, sums, output, OUTPUTS, 0);
  print("inner product", output, ROWS * OUTPUTS * sizeof(float));
  kernels->inner_product_row(&product, input, 0, OUTPUTS, output, 1);
  print("inner product of a row", output, OUTPUTS * sizeof(float));

  for (size_t i = 0; i < ROWS * DEPTH; i++) input[i] = input[i] < 0.2f ? 0 : input[i];
  float *panel = zeros(DEPTH * DECAF_PANEL_OUTPUTS, sizeof(float));
  decaf_pack_panel(weights, OUTPUTS, DEPTH, 0, DEPTH, panel);
  const decaf_inner_product sparse = {panel, biases, OUTPUTS, DEPTH};
  float *numbers = zeros(ROWS * DEPTH * 3, sizeof(float));
  float *panel_sums = zeros(ROWS * DECAF_PANEL_OUTPUTS, sizeof(float));
  for (size_t rows = 1; rows <= ROWS; rows += ROWS - 1) {
    kernels->pack_nonzeros(input, DEPTH, rows, DEPTH, rows * DEPTH, numbers);
    kernels->sparse_inner_product(&sparse, numbers, rows, 0, OUTPUTS, panel_sums, output, OUTPUTS, 0);
    print("inner product without zeros", output, rows * OUTPUTS * sizeof(float));
  }
}

static void convolution(const decaf_network_kernels *kernels, int32_t scheme, size_t height, size_t width) {
  enum { CHANNELS = 32, OUTPUTS = 21 };
  const size_t m = decaf_scheme_outputs(scheme), r = decaf_scheme_weights(scheme);
  const size_t points = decaf_scheme_points(scheme) * decaf_scheme_points(scheme);
  const size_t rows = (height + m - 1) / m, columns = (width + m - 1) / m, tiles = rows * columns;
  const size_t large_rows = height - rows * (m - 1), large_columns = width - columns * (m - 1);
  const size_t panel_width = widest_panel(kernels);
  const size_t panels = (OUTPUTS + panel_width - 1) / panel_width;
  const size_t pitch = (width + r - 1) * CHANNELS;
  state = 2;
  float *input = floats((height + r - 1) * pitch, 1);
  float *weights = floats(OUTPUTS * CHANNELS * r * r, 1);
  float *biases = zeros(panels * panel_width, sizeof(float));
  for (size_t o = 0; o < OUTPUTS; o++) biases[o] = next_float();
  float *transformed = zeros(points * panels * CHANNELS * panel_width, sizeof(float));
  float *inner = zeros(points * tiles * CHANNELS, sizeof(float));
  float *sums = zeros(panels * points * tiles * panel_width, sizeof(float));
  float *output = zeros(height * width * OUTPUTS, sizeof(float));
  int32_t inputs[4][64], outputs[4][64];
  decaf_rows kinds[4];
  for (size_t kind = 0; kind < 4; kind++) {
    size_t count = 0;
    for (size_t tile = 0; tile < tiles; tile++) {
      if (kind & 2 && tile / columns >= large_rows) continue;
      if (kind & 1 && tile % columns >= large_columns) continue;
      inputs[kind][count] = (int32_t)(tile * CHANNELS);
      outputs[kind][count++] = (int32_t)(tile * panel_width);
    }
    kinds[kind] = (decaf_rows){inputs[kind], outputs[kind], count};
  }
  const decaf_tiling tiling = {
      .scheme = scheme, .rows = rows, .large_rows = large_rows, .columns = columns,
      .large_columns = large_columns, .channels = CHANNELS, .panel_width = panel_width,
      .input_step = tiles * CHANNELS, .output_step = tiles * panel_width, .panel_step = points * tiles * panel_width,
  };
  for (size_t panel = 0; panel < panels; panel++) {
    const size_t first = panel * panel_width;
    const size_t count = OUTPUTS - first < panel_width ? OUTPUTS - first : panel_width;
    decaf_winograd_weights(scheme, weights + first * CHANNELS * r * r, count, CHANNELS, panel_width,
                           transformed + panel * CHANNELS * panel_width,
                           panels * CHANNELS * panel_width);
  }
  kernels->winograd_inputs(&tiling, input, pitch, CHANNELS, inner);
  print("transformed inputs", inner, points * tiles * CHANNELS * sizeof(float));
  kernels->winograd_products(&tiling, inner, transformed, panels, kinds, sums);
  for (size_t panel = 0; panel < panels; panel++) {
    const size_t first = panel * panel_width;
    const size_t count = OUTPUTS - first < panel_width ? OUTPUTS - first : panel_width;
    kernels->winograd_outputs(&tiling, sums + panel * tiling.panel_step, biases + first,
                              output + first, width * OUTPUTS, OUTPUTS, count, 1);
  }
  print("convolution", output, height * width * OUTPUTS * sizeof(float));
}

static void maps(const decaf_network_kernels *kernels) {
  enum { SIDE = 9, CHANNELS = 37 };
  const decaf_map map = {SIDE, SIDE, CHANNELS, SIDE * CHANNELS};
  const decaf_map half = {4, 4, CHANNELS, 4 * CHANNELS};
  float *input = floats(SIDE * SIDE * CHANNELS, 300);
  float *output = zeros(SIDE * SIDE * CHANNELS, sizeof(float));
  const decaf_map_options windows = {
      .height = 3, .width = 3, .stride_y = 2, .stride_x = 2, .local_size = 5, .scale = 2e-5f, .k = 1};
  const decaf_map_options pixels = {
      .height = 1, .width = 1, .stride_y = 1, .stride_x = 1, .local_size = 5, .scale = 2e-5f, .k = 1};
  for (const decaf_map_kernel *it = kernels->map_kernels; it->name; it++) {
    it->run(input, &map, output, &half, 0, 4, &windows);
    print(it->name, output, 16 * CHANNELS * sizeof(float));
    it->run(input, &map, output, &map, 0, SIDE, &pixels);
    print(it->name, output, SIDE * SIDE * CHANNELS * sizeof(float));
  }
  kernels->rectify(input, &map);
  print("rectification", input, SIDE * SIDE * CHANNELS * sizeof(float));
}

static void training(const decaf_training_kernels *kernels) {
  enum { ROWS = 29, DEPTH = 300, COLUMNS = 23 };
  float *a = floats(ROWS * DEPTH, 1), *b = floats(DEPTH * COLUMNS, 1);
  float *c = zeros(ROWS * COLUMNS, sizeof(float));
  float *packed = zeros(kernels->packed_count_f32(DEPTH, COLUMNS), sizeof(float));
  kernels->pack_f32(b, COLUMNS, DEPTH, COLUMNS, packed);
  kernels->product_f32(ROWS, DEPTH, COLUMNS, a, DEPTH, packed, c, COLUMNS, 0);
  print("product, float", c, ROWS * COLUMNS * sizeof(float));
  kernels->transposed_product_f32(ROWS, DEPTH, COLUMNS, a, b, COLUMNS, c, COLUMNS);
  print("product of a transpose, float", c, ROWS * COLUMNS * sizeof(float));
  double *wide_a = doubles(ROWS * DEPTH), *wide_b = doubles(DEPTH * COLUMNS);
  double *wide_c = zeros(ROWS * COLUMNS, sizeof(double));
  double *wide_packed = zeros(kernels->packed_count_f64(DEPTH, COLUMNS), sizeof(double));
  kernels->pack_f64(wide_b, COLUMNS, DEPTH, COLUMNS, wide_packed);
  kernels->product_f64(ROWS, DEPTH, COLUMNS, wide_a, DEPTH, wide_packed, wide_c, COLUMNS, 0);
  print("product, double", wide_c, ROWS * COLUMNS * sizeof(double));
  const double sum = kernels->dot_f32(a, b, DEPTH);
  print("dot product", &sum, sizeof sum);

  double *weights = doubles(ROWS), *biases = doubles(COLUMNS);
  double *scratch = zeros(32 * COLUMNS + 8, sizeof(double));
  double *terms = zeros(ROWS * COLUMNS, sizeof(double));
  double *residuals = zeros(COLUMNS, sizeof(double));
  int32_t labels[ROWS];
  for (int i = 0; i < ROWS; i++) {
    labels[i] = i % COLUMNS;
    weights[i] = 1 + 0.5 * weights[i];
  }
  const decaf_sweep sweep = {
      .rows = ROWS, .count = COLUMNS, .logits = wide_c, .stride = COLUMNS, .biases = biases,
      .labels = labels, .weights = weights,
  };
  double loss = 0;
  kernels->softmax(&sweep, &loss, residuals, 0, 0, terms, scratch);
  print("softmax, loss", &loss, sizeof loss);
  print("softmax, residuals", residuals, COLUMNS * sizeof(double));
  print("softmax, terms", terms, ROWS * COLUMNS * sizeof(double));
}

/// Minimal filtering of weights that are learned: a map's gradient of filters, and their transform.
static void filters(const decaf_filter_kernels *kernels, int32_t scheme, size_t height, size_t width) {
  enum { CHANNELS = 32, OUTPUTS = 48 };
  const size_t m = decaf_scheme_outputs(scheme), r = decaf_scheme_weights(scheme);
  const size_t side = decaf_scheme_points(scheme), points = side * side;
  const size_t rows = (height + m - 1) / m, columns = (width + m - 1) / m, tiles = rows * columns;
  const size_t large_rows = height - rows * (m - 1), large_columns = width - columns * (m - 1);
  const size_t pitch = (width + r - 1) * CHANNELS, column_step = tiles * kernels->vector_width;
  state = 3;
  float *input = floats((height + r - 1) * pitch, 1);
  float *delta = floats(height * width * OUTPUTS, 1);
  float *v = zeros(points * tiles * CHANNELS, sizeof(float));
  float *d = zeros(points * tiles * OUTPUTS, sizeof(float));
  float *sums = zeros(points * OUTPUTS * CHANNELS, sizeof(float));
  float *gradient = zeros(OUTPUTS * r * r * CHANNELS, sizeof(float));
  decaf_tile_columns t = {
      .scheme = scheme, .rows = rows, .large_rows = large_rows, .columns = columns,
      .large_columns = large_columns, .channels = CHANNELS, .point_step = tiles * CHANNELS,
      .column_step = column_step,
  };
  kernels->inputs(&t, input, pitch, CHANNELS, v);
  t.channels = OUTPUTS;
  t.point_step = tiles * OUTPUTS;
  kernels->deltas(&t, delta, width * OUTPUTS, OUTPUTS, d);
  for (size_t point = 0; point < points; point++) {
    int32_t chosen[64];
    size_t count = 0;
    for (size_t tile = 0; tile < tiles; tile++) {
      if (point / side == side - 1 && tile / columns >= large_rows) continue;
      if (point % side == side - 1 && tile % columns >= large_columns) continue;
      chosen[count++] = (int32_t)(tile * kernels->vector_width);
    }
    kernels->products(d + point * tiles * OUTPUTS, column_step, OUTPUTS, v + point * tiles * CHANNELS,
                      column_step, CHANNELS, chosen, count, sums + point * OUTPUTS * CHANNELS,
                      CHANNELS, 0);
  }
  kernels->gradient(scheme, sums, OUTPUTS * CHANNELS, CHANNELS, OUTPUTS, CHANNELS, gradient,
                    r * r * CHANNELS, CHANNELS);
  print("gradient of filters", gradient, OUTPUTS * r * r * CHANNELS * sizeof(float));

  // A panel of 16 outputs, of which 11 are filters.
  enum { PANEL = 16, FILTERS = 11 };
  float *weights = floats(r * r * CHANNELS * FILTERS, 1);
  float *transformed = zeros(points * CHANNELS * PANEL, sizeof(float));
  kernels->weights(scheme, weights, CHANNELS * FILTERS, FILTERS, FILTERS, CHANNELS, PANEL,
                   transformed, CHANNELS * PANEL);
  print("transformed filters", transformed, points * CHANNELS * PANEL * sizeof(float));
}

/// Sums of gradients in whole units, and the step of the descent.
static void steps(const decaf_layer_kernels *kernels) {
  enum { COUNT = 1037 };
  state = 4;
  float *terms = floats(COUNT, 1), *sums = zeros(COUNT, sizeof(float));
  int64_t *units = zeros(COUNT, sizeof(int64_t));
  kernels->add_units(terms, 0x1p40, COUNT, units);
  kernels->add_units(terms, 0x1p40, COUNT, units);
  kernels->read_units(units, 0x1p-40, COUNT, sums);
  print("sums in units", sums, COUNT * sizeof(float));
  memset(units, 0, COUNT * sizeof(int64_t));
  kernels->add_pairs(terms, 0x1p26, COUNT, units);
  kernels->read_pairs(units, 0x1p-26, COUNT, sums);
  print("sums in pairs", sums, COUNT * sizeof(float));
  float *weights = floats(COUNT, 1), *history = floats(COUNT, 1);
  kernels->descend(weights, history, terms, COUNT, 1, 0.01f, 0.9f, 0.0005f);
  print("descent", weights, COUNT * sizeof(float));
}

/// The set of that name; null when there is none.
static const decaf_kernel_set *find_set(const char *name) {
  for (const decaf_kernel_set *const *set = decaf_kernel_sets(); *set; set++) {
    if (strcmp((*set)->name, name) == 0) return *set;
  }
  return 0;
}

int main(int count, char **arguments) {
  const decaf_kernel_set *set = count == 2 ? find_set(arguments[1]) : 0;
  if (!set) {
    fprintf(stderr, "usage: KernelDigests SET, one of");
    for (const decaf_kernel_set *const *it = decaf_kernel_sets(); *it; it++) {
      fprintf(stderr, " %s", (*it)->name);
    }
    fprintf(stderr, "\n");
    return 64;
  }
  if ((decaf_processor_features() & set->required) != set->required) {
    fprintf(stderr, "this processor cannot run %s kernels, so there is nothing to compare with\n",
            set->name);
    return 1;
  }
  inner_products(set->network);
  convolution(set->network, DECAF_SCHEME_5_3, 13, 9);
  convolution(set->network, DECAF_SCHEME_5_5, 13, 9);
  maps(set->network);
  training(set->training);
  filters(&set->training->filters, DECAF_SCHEME_5_3, 13, 9);
  filters(&set->training->filters, DECAF_SCHEME_5_5, 13, 9);
  steps(&set->training->layers);
  return 0;
}
