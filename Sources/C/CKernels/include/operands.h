#ifndef DECAF_OPERANDS_H
#define DECAF_OPERANDS_H

#include <stddef.h>

/// A matrix of weights, used where it lies.
typedef struct {
  /// `outputs` × `depth` floats, row-major; need not be aligned.
  const void *weights;
  /// One an output.
  const float *biases;
  size_t outputs;
  /// A multiple of 16.
  size_t depth;
} decaf_inner_product;

#endif
