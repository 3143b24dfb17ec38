#ifndef DECAF_NETWORK_H
#define DECAF_NETWORK_H

// Kernels of the network engine, once per instruction set.
//
// Activations are float, channels innermost.

#include <stddef.h>
#include <stdint.h>

#include "convolution.h"
#include "maps.h"
#include "operands.h"

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

/// Weights of an inner product in panels: for each input the weights of so many outputs lie
/// together.
enum { DECAF_PANEL_OUTPUTS = 128 };

/// Inputs whose weights all rows are multiplied with before the next ones', where zeros are left
/// out: 24 KB of a panel, which leaves room for a row's sums in a first cache of 32 KB.
enum { DECAF_SPARSE_SLAB = 48 };

/// What a kernel of maps is told besides the maps: windows of `height` × `width` pixels, strides
/// apart, the first beginning so much padding before the map does; channels around one; and factors.
/// A kernel that looks at single pixels wants windows and strides of 1 and no padding.
typedef struct {
  size_t height, width;
  size_t stride_y, stride_x;
  size_t padding_y, padding_x;
  size_t local_size;
  float scale, k;
} decaf_map_options;

/// A kernel that makes the lines `first` ..< `end` of one map of another with as many channels. What
/// it computes is said beside its code.
typedef struct {
  /// Its function's name.
  const char *name;
  void (*run)(const float *input, const decaf_map *input_map, float *output,
              const decaf_map *output_map, size_t first, size_t end,
              const decaf_map_options *options);
} decaf_map_kernel;

/// The kernels of the network engine of one set.
typedef struct {
  /// Floats of a vector, and vectors of the widest panel: the columns of a product that are
  /// computed side by side.
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

  /// How many floats of `count` rows of `depth`, `pitch` apart, are not zero; if `most` at most,
  /// packs them for `sparse_inner_product`: in room for `most` numbers of two floats, `count`
  /// floats more for every DECAF_SPARSE_SLAB of the depth, and 6.
  size_t (*pack_nonzeros)(const float *input, size_t pitch, size_t count, size_t depth, size_t most,
                          float *packed);

  /// As `inner_product`, bit for bit, with weights in panels as `decaf_pack_panel` leaves them, as
  /// long as they are finite: what would be multiplied with zero is left out. `first` is a multiple
  /// of DECAF_PANEL_OUTPUTS; `sums` has room for `count` floats an output of whole panels.
  void (*sparse_inner_product)(const decaf_inner_product *product, const float *packed, size_t count,
                               size_t first, size_t end, float *sums, float *output, size_t pitch,
                               int rectify);

  /// V = Bᵀ d B of one map's tiles, [point][tile][channels]. `input` is the first tile's first
  /// input; its lines are `pitch` floats apart, its pixels `pixel`.
  void (*winograd_inputs)(const decaf_tiling *tiling, const float *input, size_t pitch,
                          size_t pixel, float *transformed);

  /// M: sums[panel][point][row] = Σ transformed[point][row][k] · weights[point][panel][k], one
  /// chain from zero; a row is a tile of a map. `rows[2 v + h]` are those of large tiles only, if v
  /// in height and if h in width.
  void (*winograd_products)(const decaf_tiling *tiling, const float *transformed,
                            const float *weights, size_t panels, const decaf_rows *rows,
                            float *sums);

  /// Y = Aᵀ M A: the first `width` outputs of a panel for one map, with biases, from its sums.
  void (*winograd_outputs)(const decaf_tiling *tiling, const float *sums, const float *biases,
                           float *output, size_t pitch, size_t pixel, size_t width, int rectify);

  /// Pixels of a convolution straight from its definition: for each row, and the first `width`
  /// outputs of a panel,
  ///
  ///   output = bias + Σ_s Σ_k input[input_row + segment s + k] · weight[s][k],
  ///
  /// below zero replaced by zero if `rectify`. Each sum is one chain of multiply-adds from zero, in the
  /// order of the segments and of k. `sums` has room for `count` × the panel's width.
  void (*direct_products)(const decaf_direct *direct, const float *input, const float *weights,
                          const float *biases, const decaf_rows *rows, float *sums, float *output,
                          size_t width, int rectify);

  /// What makes one map of another, line by line; ends with a null name.
  const decaf_map_kernel *map_kernels;

  /// Replaces what is below zero by zero; NaN stays.
  void (*rectify)(float *values, const decaf_map *map);

  /// blended[i] = above[i] + (below[i] - above[i]) · fraction, both roundings.
  void (*blend_rows)(const uint8_t *above, const uint8_t *below, float fraction, size_t count,
                     float *blended);

  /// `count` pixels, at least one, of three floats from a line of such pixels: the same between
  /// neighbours, then scaled. `blended` has 7 finite floats more than the last tap's first pixel's
  /// begin.
  void (*blend_columns)(const float *blended, const decaf_tap *taps, size_t count,
                        const decaf_pixel_scaling *scaling, float *pixels);
} decaf_network_kernels;

/// The panel [k][DECAF_PANEL_OUTPUTS] of the inputs `first` ..< `end`, multiples of 16, from
/// `outputs` rows of weights, `depth` floats each; zero beyond `outputs`.
void decaf_pack_panel(const float *weights, size_t outputs, size_t depth, size_t first, size_t end,
                      float *panel);

#endif
