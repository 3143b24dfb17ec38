#ifndef DECAF_BFLOAT16_H
#define DECAF_BFLOAT16_H

// Products of bfloat16 matrices, with sums in float, as Intel's AMX computes them (Software
// Developer's Manual, volume 2, TDPBF16PS): 16 × 16 sums at a time, 32 terms a step. Convolutions
// round their factors to bfloat16, to nearest even; inner products split theirs into two such
// numbers.
//
// A step of a sum: its terms of even number make one chain of multiply-adds from zero, those of odd
// number another, and the sum grows by both chains' sum; numbers too small to be normal count as
// zero.

#include <stddef.h>
#include <stdint.h>

#include "operands.h"

/// A convolution of stride 1 with a frame around its input.
typedef struct {
  /// The output's lines and their length.
  size_t height, width;
  size_t kernel_size;
  /// Input channels of a group: a multiple of 16.
  size_t channels;
} decaf_bfloat16_convolution;

enum {
  /// Outputs that are computed side by side.
  DECAF_BFLOAT16_OUTPUTS = 32,
  /// Rows of a product that are packed together.
  DECAF_BFLOAT16_ROWS = 16,
  /// Rows whose products are made together.
  DECAF_BFLOAT16_GROUP_ROWS = 64,
  /// Terms of a step.
  DECAF_BFLOAT16_STEP = 32,
};

/// Numbers of a group's packed input: (height + kernel_size - 1) × (width + kernel_size - 1) ×
/// channels, and some that are read beyond the last, to meet weights of zero.
size_t decaf_bfloat16_map_count(const decaf_bfloat16_convolution *convolution);

/// Numbers of packed weights for DECAF_BFLOAT16_OUTPUTS outputs.
size_t decaf_bfloat16_weight_count(const decaf_bfloat16_convolution *convolution);

/// Packs the weights of at most DECAF_BFLOAT16_OUTPUTS outputs, `outputs` × channels × kernel_size
/// × kernel_size; zero beyond `outputs`.
void decaf_bfloat16_pack_weights(const decaf_bfloat16_convolution *convolution,
                                 const float *weights, size_t outputs, uint16_t *packed);

/// Numbers of `count` packed rows, and floats that so many outputs' sums take.
size_t decaf_bfloat16_row_count(size_t count, size_t depth);
size_t decaf_bfloat16_sum_count(size_t outputs);

/// The kernels of a matrix unit.
typedef struct {
  /// Packs one group of a map: lines are `pitch` floats apart, pixels `pixel`; `input` is the first
  /// channel of the frame's corner.
  void (*pack_map)(const decaf_bfloat16_convolution *convolution, const float *input, size_t pitch,
                   size_t pixel, uint16_t *packed);

  /// output[y][x][o] = bias[o] + Σ input · weight, below zero replaced by zero if `rectify`, of
  /// `count` maps, whose packed inputs are `map_step` numbers apart, for the first `outputs` of the
  /// packed weights. Lines of an output are `pitch` floats apart, pixels `pixel`.
  void (*convolve)(const decaf_bfloat16_convolution *convolution, const uint16_t *maps,
                   size_t map_step, size_t count, const uint16_t *weights, const float *biases,
                   size_t outputs, float *const *targets, size_t pitch, size_t pixel, int rectify);

  /// Packs `count` rows of `depth` floats, `pitch` apart.
  void (*pack_rows)(const float *rows, size_t pitch, size_t count, size_t depth,
                    uint16_t *packed);

  /// output[r][o] = bias[o] + Σ row[r][k] · weight[o][k] for the outputs `first` ..< `end` of
  /// `count` packed rows, below zero replaced by zero if `rectify`. `first` is a multiple of 16;
  /// output rows are `pitch` apart. Of `sums`, with room for all outputs, theirs are overwritten.
  void (*inner_product)(const decaf_inner_product *product, const uint16_t *packed, size_t count,
                        size_t first, size_t end, float *sums, float *output, size_t pitch,
                        int rectify);
} decaf_bfloat16_kernels;

#endif
