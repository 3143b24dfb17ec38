// Defines the table `training_kernels`. The including file defines
//   VECTOR_BYTES  bytes of a vector,
//   PAIR_ROWS     rows whose accumulators, two vectors each, fit in the registers: 6 or 12,
//   FUSED         1 when the instruction set multiplies and adds with one rounding,
// and has set the target by `#pragma clang attribute`.

#include "../include/training.h"

// Only explicit calls fuse: otherwise a compiler's choice would show in the bits.
#pragma clang fp contract(off)

#define INLINE static inline __attribute__((always_inline))

#define ELEMENT float
#define NAME(x) x##_f32
#include "matrix_product.h"

#define ELEMENT double
#define NAME(x) x##_f64
#include "matrix_product.h"

/// As many floats as a vector holds doubles, as doubles.
INLINE vector_f64 widened_f64(const float *p) {
  typedef float half __attribute__((ext_vector_type(LANES_f64)));
  half v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, vector_f64);
}

#define ELEMENT float
#define NAME(x) x##_f32
#define OUTER(x) x##_f32
#define FLOATS(p) load_f32(p)
#include "transposed_product.h"

#define ELEMENT double
#define NAME(x) x##_f64
#define OUTER(x) x##_mixed
#define FLOATS(p) widened_f64(p)
#include "transposed_product.h"

#include "losses.h"

#include "vectors.h"

#include "dots.h"

#include "layers.h"

#include "filters.h"

static const decaf_training_kernels training_kernels = {
    .packed_count_f32 = packed_count_f32,
    .packed_count_f64 = packed_count_f64,
    .pack_f32 = pack_f32,
    .pack_f64 = pack_f64,
    .pack_transposed_f32 = pack_transposed_f32,
    .pack_transposed_f64 = pack_transposed_f64,
    .product_f32 = product_f32,
    .product_f64 = product_f64,
    .transposed_product_f32 = transposed_product_f32,
    .transposed_product_mixed = transposed_product_mixed,
    .dots_f32 = dots_f32,
    .dots_mixed = dots_mixed,
    .softmax = softmax,
    .logistic = logistic,
    .squared_hinge = squared_hinge,
    .add_fixed_f32 = add_fixed_f32,
    .raise_bounds = raise_bounds,
    .dot_f32 = dot_f32,
    .add_scaled_f32 = add_scaled_f32,
    .dot_mixed = dot_mixed,
    .add_scaled_mixed = add_scaled_mixed,
    .add_rows_mixed = add_rows_mixed,
    .line_products = line_products,
    .widen_f32 = widen_f32,
    .widen_f16 = widen_f16,
    .layers =
        {
            .gather_windows = gather_windows,
            .scatter_windows = scatter_windows,
            .max_pool = max_pool_places,
            .max_pool_gradient = max_pool_gradient,
            .average_pool = average_pool_rows,
            .average_pool_gradient = average_pool_gradient,
            .normalize = normalize_keeping,
            .normalize_gradient = normalize_gradient,
            .rectify_slope = rectify_slope,
            .rectify_gradient = rectify_gradient,
            .descend = descend,
            .largest_magnitude = largest_magnitude,
            .add_pairs = add_pairs,
            .read_pairs = read_pairs,
            .add_units = add_units,
            .read_units = read_units,
            .add_row = add_row,
            .sum_columns = sum_columns,
            .transpose = turn_matrix,
        },
    .filters =
        {
            .vector_width = VECTOR_WIDTH,
            .inputs = filter_inputs,
            .deltas = filter_deltas,
            .products = filter_products,
            .gradient = filter_gradient,
            .weights = filter_weights,
        },
};
