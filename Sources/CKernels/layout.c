#include "ckernels.h"

void decaf_channels_last(const float *input, float *output, const decaf_map *map) {
  for (size_t c = 0; c < map->channels; c++) {
    for (size_t y = 0; y < map->height; y++) {
      float *line = output + y * map->pitch + c;
      for (size_t x = 0; x < map->width; x++) line[x * map->channels] = *input++;
    }
  }
}

/// The blocks of one line that lie inside the input; of `length` floats, a constant where inlined.
static inline __attribute__((always_inline)) void copy_blocks(
    const size_t length, const float *line, size_t count, float *target, size_t step) {
  for (size_t x = 0; x < count; x++, line += length, target += step) {
    __builtin_memcpy(target, line, length * sizeof(float));
  }
}

void decaf_space_to_depth(const float *input, const decaf_map *input_map, float *output,
                          const decaf_map *output_map, size_t block) {
  const size_t channels = input_map->channels, length = block * channels;
  const size_t line_length = input_map->width * channels;
  for (size_t y = 0; y < output_map->height; y++) {
    for (size_t v = 0; v < block; v++) {
      const size_t row = y * block + v;
      const float *line = input + row * input_map->pitch;
      float *target = output + y * output_map->pitch + v * length;
      const size_t inside = row < input_map->height ? line_length / length : 0;
      const size_t whole = inside < output_map->width ? inside : output_map->width;
      if (length == 12) {  // conv1: four pixels of three channels
        copy_blocks(12, line, whole, target, block * length);
      } else {
        copy_blocks(length, line, whole, target, block * length);
      }
      for (size_t x = whole; x < output_map->width; x++) {
        for (size_t i = 0; i < length; i++) {
          const int is_inside = row < input_map->height && x * length + i < line_length;
          target[x * block * length + i] = is_inside ? line[x * length + i] : 0;
        }
      }
    }
  }
}

void decaf_channels_first(const float *input, const decaf_map *map, float *output) {
  for (size_t c = 0; c < map->channels; c++) {
    for (size_t y = 0; y < map->height; y++) {
      const float *line = input + y * map->pitch + c;
      for (size_t x = 0; x < map->width; x++) *output++ = line[x * map->channels];
    }
  }
}
