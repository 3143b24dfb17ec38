// The order of a convolution's terms: a line of the filter after the other, whose pixels and channels
// touch in a packed map, in steps of DECAF_TILE_STEP. A line's last step may reach beyond it, where
// weights are zero.

#include "../include/bfloat16.h"

static inline size_t steps_of_line(const decaf_tile_convolution *c) {
  return (c->kernel_size * c->channels + DECAF_TILE_STEP - 1) / DECAF_TILE_STEP;
}

/// Numbers of a line of the packed map.
static inline size_t map_line(const decaf_tile_convolution *c) {
  return (c->width + c->kernel_size - 1) * c->channels;
}
