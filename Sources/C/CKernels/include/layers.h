#ifndef DECAF_LAYERS_H
#define DECAF_LAYERS_H

// Kernels of a network's layers as training computes them, forward and backward, once per
// instruction set. Maps have their channels innermost and no frame; every result depends on its own
// image alone, and every sum has one order.

#include <stddef.h>
#include <stdint.h>

/// How windows go over a map: output `y`, `x` looks at `stride·y + dilation·v - padding` for each v
/// of the kernel's height, and likewise for columns.
typedef struct {
  size_t height, width, channels;
  size_t output_height, output_width;
  size_t kernel_y, kernel_x;
  size_t stride_y, stride_x;
  size_t padding_y, padding_x;
  size_t dilation_y, dilation_x;
} decaf_window_grid;

/// Local response normalization: `b[c] = a[c] · z[c]^-beta`, `z[c] = k + alpha / size · Σ a[j]²`.
typedef struct {
  size_t channels, size;
  float alpha, beta, k;
} decaf_normalization;

/// The layers' kernels of one set.
typedef struct {
  /// The pixels that the windows of outputs `first` ..< `end` look at, `count` channels of each from
  /// `channel` on: a row an output, window's rows, columns, channels; zeros beyond the map.
  void (*gather_windows)(const decaf_window_grid *windows, const float *map, size_t channel,
                         size_t count, size_t first, size_t end, float *rows);
  /// Adds such rows to the pixels that they came from.
  void (*scatter_windows)(const decaf_window_grid *windows, const float *rows, size_t channel,
                          size_t count, size_t first, size_t end, float *map);

  /// The largest number of each window, the first of several, and its pixel in the map.
  void (*max_pool)(const decaf_window_grid *windows, const float *map, float *output,
                   int32_t *places);
  /// Adds each output's gradient to the pixel that was largest.
  void (*max_pool_gradient)(const decaf_window_grid *windows, const float *output_gradient,
                            const int32_t *places, float *map_gradient);
  /// The sum of each window over the places it has in the map with its padding.
  void (*average_pool)(const decaf_window_grid *windows, const float *map, float *output);
  /// Adds each output's share to the pixels of its window.
  void (*average_pool_gradient)(const decaf_window_grid *windows, const float *output_gradient,
                                float *map_gradient);

  /// Normalizes `pixels` pixels and keeps their z. `scratch` holds 3 · (channels + size + 32) floats.
  void (*normalize)(const decaf_normalization *layer, size_t pixels, const float *input,
                    float *output, float *z, float *scratch);
  /// `output_gradient` may be `input_gradient`.
  void (*normalize_gradient)(const decaf_normalization *layer, size_t pixels, const float *input,
                             const float *output, const float *z, const float *output_gradient,
                             float *input_gradient, float *scratch);

  /// Numbers below zero times `slope`, in place; NaN stays.
  void (*rectify_slope)(float *values, size_t count, float slope);
  /// Gradients times `slope` where the layer's output is not above zero.
  void (*rectify_gradient)(const float *output, float *gradient, size_t count, float slope);

  /// One step of stochastic gradient descent as Caffe takes it:
  /// `h = momentum · h + rate · (scale · g + decay · w)`, `w -= h`. Returns the largest |w|.
  float (*descend)(float *w, float *h, const float *g, size_t count, float scale, float rate,
                   float momentum, float decay);
  /// The largest magnitude, as the bits of a float: beyond 0x7f800000 where one is NaN.
  uint32_t (*largest_magnitude)(const float *values, size_t count);
  /// `units[i] += round(values[i] · scale)`: two 32-bit integers side by side in each of 64 bits,
  /// element 2i the lower; `count` may be odd.
  void (*add_pairs)(const float *values, double scale, size_t count, int64_t *units);
  /// What `add_pairs` summed up, times `scale`.
  void (*read_pairs)(const int64_t *units, double scale, size_t count, float *values);
  /// `units[i] += round(values[i] · scale)`, where terms and sums stay below 2^51.
  void (*add_units)(const float *values, double scale, size_t count, int64_t *units);
  /// What `add_units` summed up, times `scale`.
  void (*read_units)(const int64_t *units, double scale, size_t count, float *values);
  /// Adds `row` to each of `rows` rows, `columns` wide, that lie `stride` apart.
  void (*add_row)(const float *row, size_t rows, size_t columns, float *matrix, size_t stride);
  /// Adds each column's numbers, in the order of the rows, to its sum.
  void (*sum_columns)(const float *matrix, size_t stride, size_t rows, size_t columns,
                      double *sums);
  /// The transpose of `rows` × `columns`.
  void (*transpose)(const float *matrix, size_t stride, size_t rows, size_t columns, float *to,
                    size_t to_stride);
} decaf_layer_kernels;

#endif
