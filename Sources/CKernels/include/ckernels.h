#ifndef CKERNELS_H
#define CKERNELS_H

// Vector kernels of the network engine. Every kernel exists once per instruction set, compiled from
// one template into one table of functions; the caller picks a table that
// `decaf_processor_features` allows.
//
// Activations are float, channels innermost. Nothing here allocates, blocks or keeps state, so any
// number of threads may call at once on buffers that do not overlap.

#include <stddef.h>
#include <stdint.h>

#include "dense.h"

/// Consecutive inputs of one output: `length` floats, `offset` floats after the row's start.
typedef struct {
  int32_t offset;
  int32_t length;
} decaf_segment;

/// A matrix of weights, packed for the kernels of one panel width PW.
typedef struct {
  /// [panel][depth][PW], 64-byte aligned; a last panel's missing outputs are zero.
  const float *weights;
  /// [panel][PW], 64-byte aligned.
  const float *biases;
  /// Which inputs of a row meet the weights, in order; their lengths sum to `depth`.
  const decaf_segment *segments;
  size_t segment_count;
  size_t depth;
  size_t outputs;
} decaf_product;

/// The rows that a product reads and writes: row `r` reads `input + input_rows[r] + segment` and
/// writes `outputs` consecutive floats at `output + output_rows[r]`.
typedef struct {
  const float *input;
  const int32_t *input_rows;
  float *output;
  const int32_t *output_rows;
  size_t count;
} decaf_rows;

/// A map of `height` × `width` × `channels` floats; lines are `pitch` floats apart.
typedef struct {
  size_t height;
  size_t width;
  size_t channels;
  size_t pitch;
} decaf_map;

/// Minimal filtering F(m × m, r × r), named m_r: the large tile's outputs, the weights. The small
/// tile has m - 1 outputs.
enum {
  DECAF_SCHEME_5_3,
  DECAF_SCHEME_4_5,
  DECAF_SCHEME_COUNT,
};

/// How tiles of outputs cover a map, and where their points lie. A tile of m × m outputs comes from
/// (m + r - 1)² inputs and has as many points; large tiles come before small ones on each axis.
typedef struct {
  int32_t scheme;
  /// Tiles of a map, and how many of them are large.
  size_t rows, large_rows;
  size_t columns, large_columns;
  /// Depth of the products: a multiple of 16.
  size_t channels;
  /// Floats between points of transformed inputs, [point][tile][channels].
  size_t input_step;
  /// Floats between points of sums, [panel][point][tile][PW], and between panels.
  size_t output_step, panel_step;
} decaf_tiling;

typedef struct {
  /// Outputs that are computed side by side.
  size_t panel_width;

  /// output[r][o] = bias[o] + Σ input[r][k] · weight[o][k] for the panels `first` ..< `end`, below
  /// zero replaced by zero if `rectify`.
  ///
  /// Each output is one chain of multiply-adds, k = 0, 1, …, starting from the bias: its bits
  /// depend on nothing but its own row and weights. `panels_per_pass` panels share one walk along
  /// the depth; it changes the speed only.
  void (*product)(const decaf_product *product, const decaf_rows *rows, size_t first, size_t end,
                  size_t panels_per_pass, int rectify);

  /// The points of one map's tiles. `input` is the first tile's first input; its lines are `pitch`
  /// floats apart, its pixels `pixel`.
  void (*winograd_inputs)(const decaf_tiling *tiling, const float *input, size_t pitch,
                          size_t pixel, float *points);

  /// sums[panel][point][row] = Σ points[point][row][k] · weights[point][panel][k], one chain from
  /// zero. `rows[2 v + h]` are those of large tiles only, if v in height and if h in width; their
  /// buffers are not looked at.
  void (*winograd_products)(const decaf_tiling *tiling, const float *points, const float *weights,
                            size_t panels, const decaf_rows *rows, float *sums);

  /// The first `width` outputs of a panel for one map, with biases, from its sums.
  void (*winograd_outputs)(const decaf_tiling *tiling, const float *sums, const float *biases,
                           float *output, size_t pitch, size_t pixel, size_t width, int rectify);

  /// Maximum over windows of `size` × `size`, `stride` apart, clipped at the map's end.
  void (*max_pool)(const float *input, const decaf_map *input_map, float *output,
                   const decaf_map *output_map, size_t size, size_t stride);

  /// b[c] = a[c] / (k + scale · Σ a[j]²)^0.75 over the `local_size` channels around c. `squares`
  /// is scratch of `channels + local_size - 1` floats. Maps have equal shapes.
  void (*normalize)(const float *input, const decaf_map *input_map, float *output,
                    const decaf_map *output_map, size_t local_size, float scale, float k,
                    float *squares);

  /// Replaces what is below zero by zero; NaN stays.
  void (*rectify)(float *values, const decaf_map *map);
} decaf_kernels;

/// The table of an instruction set; null when it is not built for this kind of processor. To call
/// its functions, the processor must have the features too.
const decaf_kernels *decaf_baseline(void);
const decaf_kernels *decaf_neon(void);
const decaf_kernels *decaf_avx2(void);
const decaf_kernels *decaf_avx512(void);
/// The AVX-512 kernels' shape in AVX2 instructions: slow, bit for bit the same; lets tests cover
/// that shape on processors without AVX-512.
const decaf_kernels *decaf_avx512_shape(void);

enum {
  DECAF_FEATURE_AVX2 = 1,
  DECAF_FEATURE_FMA = 2,
  DECAF_FEATURE_AVX512F = 4,
  DECAF_FEATURE_NEON = 8,
};

/// The features above that both processor and operating system offer.
uint32_t decaf_processor_features(void);

/// Packs one panel: `outputs` × `channels` × `area` weights into [area][channels][panel_width],
/// zero beyond `outputs`. Area 1 packs a plain `outputs` × `channels` matrix.
void decaf_pack(const float *weights, size_t outputs, size_t channels, size_t area,
                size_t panel_width, float *packed);

/// Outputs of a large tile, weights a side, and points a side of a scheme.
size_t decaf_scheme_outputs(int32_t scheme);
size_t decaf_scheme_weights(int32_t scheme);
size_t decaf_scheme_points(int32_t scheme);

/// Transforms one panel's weights, `outputs` × `channels` × r × r, to [point][channels][panel_width]
/// with `point_step` floats between points; zero beyond `outputs`. In double precision.
void decaf_winograd_weights(int32_t scheme, const float *weights, size_t outputs,
                            size_t channels, size_t panel_width, float *transformed,
                            size_t point_step);

/// C×H×W, dense, to H×W×C with the lines of `map`.
void decaf_channels_last(const float *input, float *output, const decaf_map *map);

/// Blocks of `block` × `block` pixels become the channels of one, [line][pixel][channel] of the
/// block; zero beyond the input's end.
void decaf_space_to_depth(const float *input, const decaf_map *input_map, float *output,
                          const decaf_map *output_map, size_t block);

/// H×W×C with the lines of `map` to C×H×W, dense.
void decaf_channels_first(const float *input, const decaf_map *map, float *output);

#endif
