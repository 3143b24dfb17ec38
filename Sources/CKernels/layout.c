#include "ckernels.h"

void decaf_channels_last(const float *input, float *output, const decaf_map *map) {
  for (size_t c = 0; c < map->channels; c++) {
    for (size_t y = 0; y < map->height; y++) {
      float *line = output + y * map->pitch + c;
      for (size_t x = 0; x < map->width; x++) line[x * map->channels] = *input++;
    }
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
      for (size_t x = 0; x < output_map->width; x++, target += block * length) {
        const size_t first = x * length;
        if (row < input_map->height && first + length <= line_length) {
          for (size_t i = 0; i < length; i++) target[i] = line[first + i];
        } else {
          for (size_t i = 0; i < length; i++) {
            const int inside = row < input_map->height && first + i < line_length;
            target[i] = inside ? line[first + i] : 0;
          }
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
