#include "convolution.h"
#include "maps.h"
#include "network.h"

void decaf_channels_last(const float *input, float *output, const decaf_map *map) {
  for (size_t c = 0; c < map->channels; c++) {
    for (size_t y = 0; y < map->height; y++) {
      float *line = output + y * map->pitch + c;
      for (size_t x = 0; x < map->width; x++) line[x * map->channels] = *input++;
    }
  }
}

/// `length` is a constant where inlined.
static inline __attribute__((always_inline)) void copy_parts(
    const size_t length, const float *line, size_t count, float *target, size_t step) {
  for (; count >= length; count -= length, line += length, target += step) {
    __builtin_memcpy(target, line, length * sizeof(float));
  }
  __builtin_memcpy(target, line, count * sizeof(float));
}

void decaf_spread_line(const float *line, size_t count, size_t length, float *target, size_t step) {
  if (length == 12) {  // conv1: four pixels of three channels
    copy_parts(12, line, count, target, step);
  } else {
    copy_parts(length, line, count, target, step);
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

/// `channels` is a constant where inlined.
static inline __attribute__((always_inline)) void copy_windows(
    const size_t channels, const decaf_windows *windows, const float *corner, size_t count,
    size_t step, float *rows) {
  const size_t taken = windows->height * windows->width * channels;
  for (size_t r = 0; r < count; r++, corner += step) {
    for (size_t v = 0; v < windows->height; v++) {
      const float *place = corner + v * windows->step_y;
      for (size_t u = 0; u < windows->width; u++, place += windows->step_x, rows += channels) {
        __builtin_memcpy(rows, place, channels * sizeof(float));
      }
    }
    for (size_t i = taken; i < windows->row_length; i++) *rows++ = 0;
  }
}

void decaf_copy_windows(const decaf_windows *windows, const float *corner, size_t count,
                        size_t step, float *rows) {
  switch (windows->channels) {
    // Lines of first filters, on three channels: 3, 5, 7 and 11 pixels.
    case 9: copy_windows(9, windows, corner, count, step, rows); break;
    case 15: copy_windows(15, windows, corner, count, step, rows); break;
    case 21: copy_windows(21, windows, corner, count, step, rows); break;
    case 33: copy_windows(33, windows, corner, count, step, rows); break;
    default: copy_windows(windows->channels, windows, corner, count, step, rows);
  }
}

void decaf_pack_filters(const float *weights, size_t outputs, size_t channels, size_t area,
                        size_t depth, size_t panel_width, float *panel) {
  for (size_t k = 0; k < depth; k++, panel += panel_width) {
    const size_t place = k / channels, channel = k % channels;
    for (size_t o = 0; o < panel_width; o++) {
      panel[o] = o < outputs && place < area ? weights[(o * channels + channel) * area + place] : 0;
    }
  }
}

void decaf_pack_panel(const float *weights, size_t outputs, size_t depth, size_t first, size_t end,
                      float *panel) {
  // A cache line of a row at a time.
  for (size_t k = first; k < end; k += 16, panel += 16 * DECAF_PANEL_OUTPUTS) {
    const float *line = weights + k;
    for (size_t o = 0; o < DECAF_PANEL_OUTPUTS; o++, line += depth) {
      for (size_t i = 0; i < 16; i++) panel[i * DECAF_PANEL_OUTPUTS + o] = o < outputs ? line[i] : 0;
    }
  }
}
