#ifndef DECAF_MAPS_H
#define DECAF_MAPS_H

// Maps of activations, and the orders of their numbers.

#include <stddef.h>

/// A map of `height` × `width` × `channels` floats; lines are `pitch` floats apart.
typedef struct {
  size_t height;
  size_t width;
  size_t channels;
  size_t pitch;
} decaf_map;

/// C×H×W, dense, to H×W×C with the lines of `map`.
void decaf_channels_last(const float *input, float *output, const decaf_map *map);

/// Copies a line of `count` floats in parts of `length`, the last with what is left, that begin
/// `step` apart.
void decaf_spread_line(const float *line, size_t count, size_t length, float *target, size_t step);

/// H×W×C with the lines of `map` to C×H×W, dense.
void decaf_channels_first(const float *input, const decaf_map *map, float *output);

#endif
