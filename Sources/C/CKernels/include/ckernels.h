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

#include "training.h"
#include "operands.h"
#include "bfloat16.h"

/// Rows of a product: row `r` reads from `input_rows[r]` on and writes from `output_rows[r]` on.
typedef struct {
  const int32_t *input_rows;
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

/// The two old pixels that a new pixel lies between along one axis: `first` and the one after it.
typedef struct {
  int32_t first;
  /// 0 at `first`, 1 at the next.
  float fraction;
} decaf_tap;

/// What becomes of interpolated values: value · scale − mean, `mean` in the order of the result.
typedef struct {
  float scale;
  float mean[3];
  int32_t swaps_red_and_blue;
} decaf_pixel_scaling;

/// Minimal filtering F(m × m, r × r), named m_r: the large tile's outputs, the weights. The small
/// tile has m - 1 outputs.
enum {
  DECAF_SCHEME_5_3,
  DECAF_SCHEME_5_5,
  DECAF_SCHEME_COUNT,
};

/// Weights of an inner product in panels: for each input the weights of so many outputs lie together.
enum { DECAF_PANEL_OUTPUTS = 128 };

/// Inputs whose weights all rows are multiplied with before the next ones', where zeros are left out:
/// 24 KB of a panel, which leaves room for a row's sums in a first cache of 32 KB.
enum { DECAF_SPARSE_SLAB = 48 };

/// How tiles of outputs cover a map, and where their points lie. A tile of m × m outputs comes from
/// (m + r - 1)² inputs and has as many points; large tiles come before small ones on each axis.
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

typedef struct {
  /// Floats of a vector, and vectors of the widest panel: the columns of a product that are computed
  /// side by side.
  size_t vector_width;
  size_t panel_vectors;

  /// `count` rows of `depth` floats, `pitch` apart, in the order in which `inner_product` reads
  /// them: at most `count`, rounded up to panels of the full width, times `depth` floats.
  void (*pack_inputs)(const float *input, size_t pitch, size_t count, size_t depth, float *packed);

  /// output[r][o] = bias[o] + Σ input[r][k] · weight[o][k] for the outputs `first` ..< `end` of
  /// `count` packed rows, below zero replaced by zero if `rectify`.
  ///
  /// Each sum is one chain of multiply-adds from zero, k = 0, 1, …: its bits depend on nothing but
  /// its own row and weights. `sums` has room for outputs × `count`, rounded up in the same
  /// way; of it, those of `first` ..< `end` are overwritten. Output rows are `pitch` apart.
  void (*inner_product)(const decaf_inner_product *product, const float *packed, size_t count,
                        size_t first, size_t end, float *sums, float *output, size_t pitch,
                        int rectify);

  /// The same for one row that is not packed, bit for bit.
  void (*inner_product_row)(const decaf_inner_product *product, const float *input, size_t first,
                            size_t end, float *output, int rectify);

  /// How many floats of `count` rows of `depth`, `pitch` apart, are not zero; if `most` at most, packs
  /// them for `sparse_inner_product`: in room for `most` numbers of two floats, `count` floats more for
  /// every DECAF_SPARSE_SLAB of the depth, and 6.
  size_t (*pack_nonzeros)(const float *input, size_t pitch, size_t count, size_t depth, size_t most,
                          float *packed);

  /// As `inner_product`, bit for bit, with weights in panels as `decaf_pack_panel` leaves them, as
  /// long as they are finite: what would be multiplied with zero is left out. `first` is a multiple of
  /// DECAF_PANEL_OUTPUTS; `sums` has room for `count` floats an output of whole panels.
  void (*sparse_inner_product)(const decaf_inner_product *product, const float *packed, size_t count,
                               size_t first, size_t end, float *sums, float *output, size_t pitch,
                               int rectify);

  /// The points of one map's tiles. `input` is the first tile's first input; its lines are `pitch`
  /// floats apart, its pixels `pixel`.
  void (*winograd_inputs)(const decaf_tiling *tiling, const float *input, size_t pitch,
                          size_t pixel, float *points);

  /// sums[panel][point][row] = Σ points[point][row][k] · weights[point][panel][k], one chain from
  /// zero. `rows[2 v + h]` are those of large tiles only, if v in height and if h in width.
  void (*winograd_products)(const decaf_tiling *tiling, const float *points, const float *weights,
                            size_t panels, const decaf_rows *rows, float *sums);

  /// The first `width` outputs of a panel for one map, with biases, from its sums.
  void (*winograd_outputs)(const decaf_tiling *tiling, const float *sums, const float *biases,
                           float *output, size_t pitch, size_t pixel, size_t width, int rectify);

  /// Maximum over windows of `size` × `size`, `stride` apart, clipped at the map's end, for the
  /// output's lines `first` ..< `end`.
  void (*max_pool)(const float *input, const decaf_map *input_map, float *output,
                   const decaf_map *output_map, size_t first, size_t end, size_t size,
                   size_t stride);

  /// b[c] = a[c] / (k + scale · Σ a[j]²)^0.75 over the five channels around c, for the lines `first`
  /// ..< `end`. Maps have equal shapes.
  void (*normalize)(const float *input, const decaf_map *input_map, float *output,
                    const decaf_map *output_map, size_t first, size_t end, float scale, float k);

  /// Replaces what is below zero by zero; NaN stays.
  void (*rectify)(float *values, const decaf_map *map);

  /// blended[i] = above[i] + (below[i] - above[i]) · fraction, both roundings.
  void (*blend_rows)(const uint8_t *above, const uint8_t *below, float fraction, size_t count,
                     float *blended);

  /// `count` pixels, at least one, of three floats from a line of such pixels: the same between
  /// neighbours, then scaled. `blended` has 7 finite floats more than the last tap's first pixel's begin.
  void (*blend_columns)(const float *blended, const decaf_tap *taps, size_t count,
                        const decaf_pixel_scaling *scaling, float *pixels);
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

/// The panel [k][DECAF_PANEL_OUTPUTS] of the inputs `first` ..< `end`, multiples of 16, from `outputs`
/// rows of weights, `depth` floats each; zero beyond `outputs`.
void decaf_pack_panel(const float *weights, size_t outputs, size_t depth, size_t first, size_t end,
                      float *panel);

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

/// Copies a line of `count` floats in parts of `length`, the last with what is left, that begin `step`
/// apart.
void decaf_spread_line(const float *line, size_t count, size_t length, float *target, size_t step);

/// H×W×C with the lines of `map` to C×H×W, dense.
void decaf_channels_first(const float *input, const decaf_map *map, float *output);

#endif
