#ifndef DECAF_TRAINING_H
#define DECAF_TRAINING_H

// Kernels of training: products of matrices, losses and operations on vectors, once per instruction
// set like those in network.h.
//
// Matrices are row-major. Every element of a product is summed over the depth in one order,
// whatever the shape of the rest; sets with fused multiply-add agree bit for bit.

#include <stddef.h>
#include <stdint.h>

#include "filters.h"
#include "layers.h"

/// Depth of a slab of a product: sums start anew for each and are then added, in order.
enum { DECAF_PRODUCT_SLAB = 256 };

/// What one sweep over rows looks at. Rows have `count` classes side by side, `stride` apart.
typedef struct {
  size_t rows;
  size_t count;
  /// `rows` × `stride`; with a direction, logits are `logits + step · direction + bias`.
  const double *logits;
  size_t stride;
  /// Null without one; `rows` × `direction_stride`.
  const double *direction;
  size_t direction_stride;
  /// For each class.
  const double *steps;
  const double *biases;
  /// For each row: its class among `count` ones (or another number), and how much it counts.
  const int32_t *labels;
  const double *weights;
} decaf_sweep;

/// The kernels of training of one set.
typedef struct {
  /// Floats or doubles that packing `depth` × `columns` takes.
  size_t (*packed_count_f32)(size_t depth, size_t columns);
  size_t (*packed_count_f64)(size_t depth, size_t columns);

  /// Packs B, `depth` × `columns` with rows `stride` apart.
  void (*pack_f32)(const float *b, size_t stride, size_t depth, size_t columns, float *packed);
  void (*pack_f64)(const double *b, size_t stride, size_t depth, size_t columns, double *packed);
  /// The same, given B's transpose: `columns` × `depth`.
  void (*pack_transposed_f32)(const float *b, size_t stride, size_t depth, size_t columns,
                              float *packed);
  void (*pack_transposed_f64)(const double *b, size_t stride, size_t depth, size_t columns,
                              double *packed);

  /// C = A·B, or C + A·B when `adding`; A is `rows` × `depth`, B packed, C `rows` × `columns`.
  void (*product_f32)(size_t rows, size_t depth, size_t columns, const float *a, size_t a_stride,
                      const float *packed, float *c, size_t c_stride, int adding);
  void (*product_f64)(size_t rows, size_t depth, size_t columns, const double *a, size_t a_stride,
                      const double *packed, double *c, size_t c_stride, int adding);

  /// C = Aᵀ·B, with A `depth` × `rows` without gaps and B as it is, `depth` × `columns`: the bits of
  /// `product_f32`, without packing. For few rows, whose product with a packed B would take less time
  /// than packing it.
  void (*transposed_product_f32)(size_t rows, size_t depth, size_t columns, const float *a,
                                 const float *b, size_t b_stride, float *c, size_t c_stride);
  /// The same in double precision, B widened as it is read: the bits of `product_f64` with that.
  void (*transposed_product_mixed)(size_t rows, size_t depth, size_t columns, const double *a,
                                   const float *b, size_t b_stride, double *c, size_t c_stride);

  /// C = A·Bᵀ, with A's rows where `a` says, and B `columns` × `depth`: neither is packed. For few
  /// columns, which leave vectors of the other products idle. Elements have sums of their own order.
  void (*dots_f32)(size_t rows, size_t depth, size_t columns, const float *const *a, const float *b,
                   size_t b_stride, float *c, size_t c_stride);
  /// The same with B, sums and C in double precision.
  void (*dots_mixed)(size_t rows, size_t depth, size_t columns, const float *const *a,
                     const double *b, size_t b_stride, double *c, size_t c_stride);

  /// For each row the softmax of its logits. `scratch` holds 32 · count + 8
  /// doubles.
  ///
  /// Adds Σ weight · loss to `*loss`, Σ weight · (p - e) to `residuals`, and with a direction that
  /// times its logits to `slopes`; stores weight^½ · p as `rows` × `count` floats where `roots` is
  /// not null, weight · (p - e) where `terms` is not null.
  void (*softmax)(const decaf_sweep *sweep, double *loss, double *residuals, double *slopes,
                  float *roots, double *terms, double *scratch);

  /// For each row and class the logistic or squared hinge loss; sums as `softmax`, but losses for
  /// each class, with Σ weight · second derivative in `curvatures` and Σ weight · |residual| over
  /// the class's own rows in `masses`. `scratch` holds 7 · (count + 8) doubles.
  void (*logistic)(const decaf_sweep *sweep, double *losses, double *residuals, double *slopes,
                   double *curvatures, double *masses, double *terms, double *scratch);
  void (*squared_hinge)(const decaf_sweep *sweep, double *losses, double *residuals,
                        double *slopes, double *curvatures, double *masses, double *terms,
                        double *scratch);

  /// `units[i] += trunc(values[i] · 2^-(exponent + exponents[i]))`.
  ///
  /// Returns 0 where one of the values has 2^62 units or more, or is no number: what was added for it is
  /// worth nothing.
  int (*add_fixed_f32)(const float *values, int32_t exponent, const int32_t *exponents, size_t count,
                       int64_t *units);

  /// Replaces each of `bounds` by the larger of itself and |row[i]| · scale; returns whether every
  /// |row[i]| is a number of `largest` or less.
  int (*raise_bounds)(float *bounds, const float *row, float scale, float largest, size_t count);

  /// Σ a · b in double precision.
  double (*dot_f32)(const float *a, const float *b, size_t count);
  /// y += scale · x.
  void (*add_scaled_f32)(float *y, const float *x, float scale, size_t count);
  /// Σ w · x, and w += scale · x, in double precision.
  double (*dot_mixed)(const double *w, const float *x, size_t count);
  void (*add_scaled_mixed)(double *w, const float *x, double scale, size_t count);
  /// The same for `count` rows of `width` numbers, one after the other.
  void (*add_rows_mixed)(double *w, const float *const *rows, const double *scales, size_t count,
                         size_t width);
  /// x = w · w, w · d, d · d, g · d.
  void (*line_products)(const double *w, const double *g, const float *d, size_t count, double *x);
  /// values = floats.
  void (*widen_f32)(const float *floats, size_t count, double *values);

  /// The values of IEEE 754 binary16 numbers.
  void (*widen_f16)(const uint16_t *halves, size_t count, float *values);

  /// Those of a network's layers in training.
  decaf_layer_kernels layers;
  decaf_filter_kernels filters;
} decaf_training_kernels;

#endif
