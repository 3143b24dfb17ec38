#ifndef DECAF_FILTERS_H
#define DECAF_FILTERS_H

// Kernels of convolutions by minimal filtering whose weights are learned: the transform of weights that
// change with every step, and the gradient of weights. See training/filters.h.

#include <stddef.h>
#include <stdint.h>

/// The tiles of maps, transformed: at every point [vector of channels][tile][vector], so that a product
/// over tiles reads what lies one after the other.
typedef struct {
  int32_t scheme;
  /// Tiles of a map, and how many of them are large, which come first.
  size_t rows, large_rows;
  size_t columns, large_columns;
  /// A multiple of 16.
  size_t channels;
  /// Floats from point to point, and from a vector of channels to the next.
  size_t point_step, column_step;
} decaf_tile_columns;

/// These kernels of one set.
typedef struct {
  /// Floats of a vector.
  size_t vector_width;

  /// V = Bᵀ d B of a map's tiles: `input` is the first tile's first input, lines are `pitch` floats
  /// apart, pixels `pixel`. `transformed` is where the map's first tile goes.
  void (*inputs)(const decaf_tile_columns *tiles, const float *input, size_t pitch, size_t pixel,
                 float *transformed);
  /// D = A δ Aᵀ of the outputs' gradient δ, likewise. A small tile's last point stays as it was.
  void (*deltas)(const decaf_tile_columns *tiles, const float *delta, size_t pitch, size_t pixel,
                 float *transformed);

  /// Of one point: sums[o][c] = Σ D[t][o] · V[t][c] over the `count` tiles that begin at `tiles[t]`
  /// floats of their columns, one chain from zero, or from what is there if `continues`.
  ///
  /// Columns are `delta_step` and `input_step` floats apart, the rows of sums `pitch`. `outputs` and
  /// `channels` are multiples of 16.
  void (*products)(const float *deltas, size_t delta_step, size_t outputs, const float *inputs,
                   size_t input_step, size_t channels, const int32_t *tiles, size_t count,
                   float *sums, size_t pitch, int continues);

  /// Gᵀ M G of such sums at all points, which are `point_step` floats apart: the gradient of the weight
  /// at place i of output o and channel c goes to `gradient[o · output_step + i · place_step + c]`.
  void (*gradient)(int32_t scheme, const float *sums, size_t point_step, size_t pitch,
                   size_t outputs, size_t channels, float *gradient, size_t output_step,
                   size_t place_step);

  /// U = G g Gᵀ of a panel, as `decaf_winograd_weights` makes it, bit for bit: of `outputs` filters
  /// whose weight at place i of channel c is `weights[i · place_step + c · channel_step + o]`.
  void (*weights)(int32_t scheme, const float *weights, ptrdiff_t place_step, size_t channel_step,
                  size_t outputs, size_t channels, size_t panel_width, float *transformed,
                  size_t point_step);
} decaf_filter_kernels;

#endif
