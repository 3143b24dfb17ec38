#include "../include/bfloat16.h"

#include "steps.h"

size_t decaf_bfloat16_map_count(const decaf_bfloat16_convolution *c) {
  return (c->height + c->kernel_size - 1) * map_line(c) + DECAF_BFLOAT16_STEP;
}

size_t decaf_bfloat16_weight_count(const decaf_bfloat16_convolution *c) {
  return c->kernel_size * steps_of_line(c) * DECAF_BFLOAT16_STEP * DECAF_BFLOAT16_OUTPUTS;
}

size_t decaf_bfloat16_row_count(size_t count, size_t depth) {
  const size_t rows = (count + DECAF_BFLOAT16_ROWS - 1) / DECAF_BFLOAT16_ROWS * DECAF_BFLOAT16_ROWS;
  return 2 * rows * ((depth + DECAF_BFLOAT16_STEP - 1) / DECAF_BFLOAT16_STEP * DECAF_BFLOAT16_STEP);
}

size_t decaf_bfloat16_sum_count(size_t outputs) {
  return (outputs + 15) / 16 * 16 * DECAF_BFLOAT16_GROUP_ROWS;
}

static uint16_t rounded(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if (x != x) return (uint16_t)((bits | 0x400000) >> 16);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

void decaf_bfloat16_pack_weights(const decaf_bfloat16_convolution *c, const float *weights,
                                 size_t outputs, uint16_t *packed) {
  const size_t size = c->kernel_size;
  for (size_t v = 0; v < size; v++) {
    for (size_t step = 0; step < steps_of_line(c); step++) {
      for (size_t half = 0; half < DECAF_BFLOAT16_OUTPUTS; half += 16) {
        for (size_t pair = 0; pair < 16; pair++) {
          for (size_t o = half; o < half + 16; o++) {
            for (size_t odd = 0; odd < 2; odd++) {
              const size_t term = DECAF_BFLOAT16_STEP * step + 2 * pair + odd;
              const size_t u = term / c->channels, channel = term % c->channels;
              *packed++ = o < outputs && u < size
                  ? rounded(weights[((o * c->channels + channel) * size + v) * size + u])
                  : 0;
            }
          }
        }
      }
    }
  }
}
