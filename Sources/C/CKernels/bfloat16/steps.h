// The order of a convolution's terms: a line of the filter after the other, whose pixels and
// channels touch in a packed map, in steps of DECAF_BFLOAT16_STEP. A line's last step may reach
// beyond it, where weights are zero.

#include "../include/bfloat16.h"

static inline size_t steps_of_line(const decaf_bfloat16_convolution *c) {
  return (c->kernel_size * c->channels + DECAF_BFLOAT16_STEP - 1) / DECAF_BFLOAT16_STEP;
}

/// Numbers of a line of the packed map.
static inline size_t map_line(const decaf_bfloat16_convolution *c) {
  return (c->width + c->kernel_size - 1) * c->channels;
}
