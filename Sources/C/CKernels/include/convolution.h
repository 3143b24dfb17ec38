#ifndef DECAF_CONVOLUTION_H
#define DECAF_CONVOLUTION_H

// Convolutions by minimal filtering: what they are cut into, and their weights.

#include <stddef.h>
#include <stdint.h>

/// Minimal filtering F(m × m, r × r), named m_r: the large tile's outputs, the weights. The small
/// tile has m - 1 outputs.
enum {
  DECAF_SCHEME_5_3,
  DECAF_SCHEME_5_5,
  DECAF_SCHEME_COUNT,
};

/// How tiles of outputs cover a map, and where what they are transformed to lies. A tile of m × m
/// outputs comes from (m + r - 1)² inputs and has as many points; large tiles come before small
/// ones on each axis.
typedef struct {
  int32_t scheme;
  /// Tiles of a map, and how many of them are large.
  size_t rows, large_rows;
  size_t columns, large_columns;
  /// Depth of the products: a multiple of 16.
  size_t channels;
  /// PW, outputs of a panel: a multiple of the kernels' vectors, up to their widest panel.
  size_t panel_width;
  /// Floats between points of transformed inputs, [point][tile][channels].
  size_t input_step;
  /// Floats between points of sums, [panel][point][tile][PW], and between panels.
  size_t output_step, panel_step;
} decaf_tiling;

/// Rows of a product: row `r` reads from `input_rows[r]` on and writes from `output_rows[r]` on.
typedef struct {
  const int32_t *input_rows;
  const int32_t *output_rows;
  size_t count;
} decaf_rows;

/// What a pixel of a direct convolution is a sum over: stretches of the input as long as each other.
typedef struct {
  /// Where they begin, in floats from a row's first one.
  const int32_t *segments;
  size_t segment_count;
  /// Floats of each, a multiple of 4.
  size_t segment_length;
  /// PW, outputs of a panel.
  size_t panel_width;
} decaf_direct;

/// Windows of a map that are copied to rows.
typedef struct {
  size_t height, width;
  /// Floats between neighbouring places of a window, down and to the right.
  size_t step_y, step_x;
  /// Floats of a place that are copied: a group's channels.
  size_t channels;
  /// Floats of a row; what a window leaves is filled with zeros.
  size_t row_length;
} decaf_windows;

/// Copies `count` windows, whose corners are `step` floats apart, to rows.
void decaf_copy_windows(const decaf_windows *windows, const float *corner, size_t count,
                        size_t step, float *rows);

/// The panel [k][panel_width] of `outputs` filters of `channels` × `area` weights, with k in the order
/// [place of the filter][channel], up to `depth`; zero beyond the filters and the outputs.
void decaf_pack_filters(const float *weights, size_t outputs, size_t channels, size_t area,
                        size_t depth, size_t panel_width, float *panel);

/// Outputs of a large tile, weights a side, and points a side of a scheme.
size_t decaf_scheme_outputs(int32_t scheme);
size_t decaf_scheme_weights(int32_t scheme);
size_t decaf_scheme_points(int32_t scheme);

/// Transforms one panel's weights, `outputs` × `channels` × r × r, to
/// [point][channels][panel_width] with `point_step` floats between points; zero beyond `outputs`.
/// In double precision.
void decaf_winograd_weights(int32_t scheme, const float *weights, size_t outputs,
                            size_t channels, size_t panel_width, float *transformed,
                            size_t point_step);

#endif
