#include "convolution.h"

// Multiplying and adding must not fuse: the weights would depend on the compiler.
#pragma clang fp contract(off)

#include "weight_transforms.h"

enum { MOST_POINTS = 9, MOST_WEIGHTS = 5 };

size_t decaf_scheme_outputs(int32_t scheme) { return weight_transforms[scheme].outputs; }

size_t decaf_scheme_weights(int32_t scheme) { return weight_transforms[scheme].weights; }

size_t decaf_scheme_points(int32_t scheme) {
  return weight_transforms[scheme].outputs + weight_transforms[scheme].weights - 1;
}

/// U = G g Gᵀ of one filter.
static void transform(const weight_transform *t, const float *g, double *u) {
  const size_t r = t->weights, n = t->outputs + r - 1;
  // G g, along the height.
  double lines[MOST_POINTS * MOST_WEIGHTS];
  for (size_t i = 0; i < n; i++) {
    for (size_t x = 0; x < r; x++) {
      double sum = 0;
      for (size_t y = 0; y < r; y++) sum += t->matrix[i * r + y] * (double)g[y * r + x];
      lines[i * r + x] = sum;
    }
  }
  // (G g) Gᵀ, along the width.
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      double sum = 0;
      for (size_t x = 0; x < r; x++) sum += lines[i * r + x] * t->matrix[j * r + x];
      u[i * n + j] = sum;
    }
  }
}

void decaf_winograd_weights(int32_t scheme, const float *weights, size_t outputs,
                            size_t channels, size_t panel_width, float *transformed,
                            size_t point_step) {
  const weight_transform *t = &weight_transforms[scheme];
  const size_t n = decaf_scheme_points(scheme), area = t->weights * t->weights;
  for (size_t c = 0; c < channels; c++) {
    for (size_t o = 0; o < panel_width; o++) {
      double u[MOST_POINTS * MOST_POINTS] = {0};
      if (o < outputs) transform(t, weights + (o * channels + c) * area, u);
      for (size_t p = 0; p < n * n; p++) {
        transformed[p * point_step + c * panel_width + o] = (float)u[p];
      }
    }
  }
}
