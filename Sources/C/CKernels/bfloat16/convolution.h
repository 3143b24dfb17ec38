// Convolutions straight from their definition: a product's rows are pixels of a line of the output,
// a part of at most 16; its terms are those of `steps.h`; its columns are 32 outputs, in two
// halves.
//
// Two parts times two halves take four registers of sums and as many loads as products, the least
// that eight registers allow.

static void pack_map(const decaf_bfloat16_convolution *c, const float *input, size_t pitch,
                     size_t pixel, uint16_t *packed) {
  const size_t height = c->height + c->kernel_size - 1, width = c->width + c->kernel_size - 1;
  for (size_t y = 0; y < height; y++) {
    for (size_t x = 0; x < width; x++) {
      const float *source = input + y * pitch + x * pixel;
      for (size_t i = 0; i < c->channels; i += 16, packed += 16) round_16(source + i, packed);
    }
  }
  // The last step of a sum may read beyond the map.
  __builtin_memset(packed, 0, DECAF_BFLOAT16_STEP * sizeof *packed);
}

/// The sums of one or two parts of a line with both halves of the outputs: [part][half][pixel]
/// [output]. `both` is a constant wherever this is inlined.
///
/// A step's loads come before its products: only then do they overlap with those of the step
/// before.
INLINE void sum_parts(const int both, const decaf_bfloat16_convolution *c,
                      const uint16_t *const *inputs, const uint16_t *weights, float *sums) {
  const size_t pixel = c->channels * sizeof(uint16_t), steps = steps_of_line(c);
  REGISTER_ZERO(0);
  REGISTER_ZERO(1);
  if (both) {
    REGISTER_ZERO(2);
    REGISTER_ZERO(3);
  }
  for (size_t v = 0; v < c->kernel_size; v++) {
    size_t offset = v * map_line(c);
    for (size_t i = 0; i < steps; i++) {
      REGISTER_LOAD(4, inputs[0] + offset, pixel);
      if (both) REGISTER_LOAD(5, inputs[1] + offset, pixel);
      REGISTER_LOAD(6, weights, REGISTER_PITCH);
      REGISTER_LOAD(7, weights + REGISTER_NUMBERS, REGISTER_PITCH);
      REGISTER_PRODUCT(0, 4, 6);
      REGISTER_PRODUCT(1, 4, 7);
      if (both) {
        REGISTER_PRODUCT(2, 5, 6);
        REGISTER_PRODUCT(3, 5, 7);
      }
      offset += DECAF_BFLOAT16_STEP;
      weights += 2 * REGISTER_NUMBERS;
    }
  }
  REGISTER_STORE(0, sums, REGISTER_PITCH);
  REGISTER_STORE(1, sums + REGISTER_FLOATS, REGISTER_PITCH);
  if (both) {
    REGISTER_STORE(2, sums + 2 * REGISTER_FLOATS, REGISTER_PITCH);
    REGISTER_STORE(3, sums + 3 * REGISTER_FLOATS, REGISTER_PITCH);
  }
}

/// Outputs of a part of `rows` pixels from their sums, [half][pixel][output].
INLINE void finish_pixels(const float *sums, size_t rows, const floats *bias, floats floor,
                          size_t outputs, float *output, size_t pixel) {
  for (size_t o = 0; o < outputs; o += 16, sums += REGISTER_FLOATS) {
    for (size_t r = 0; r < rows; r++) {
      floats x;
      __builtin_memcpy(&x, sums + 16 * r, sizeof x);
      x += bias[o / 16];
      x = x < floor ? floor : x;
      float *target = output + r * pixel + o;
      if (outputs - o >= 16) {
        __builtin_memcpy(target, &x, sizeof x);
      } else {
        for (size_t i = 0; i < outputs - o; i++) target[i] = x[i];
      }
    }
  }
}

static void convolve(const decaf_bfloat16_convolution *c, const uint16_t *maps, size_t map_step,
                     size_t count, const uint16_t *weights, const float *biases, size_t outputs,
                     float *const *targets, size_t pitch, size_t pixel, int rectify) {
  const size_t line = map_line(c);
  // Parts of a line, equally wide: the last may begin before the one before it ends.
  const size_t parts = (c->width + 15) / 16, rows = (c->width + parts - 1) / parts;
  _Alignas(64) float sums[4 * REGISTER_FLOATS];
  const floats floor = (floats)(rectify ? 0 : -__builtin_inff());
  floats bias[2] = {0, 0};
  for (size_t i = 0; i < outputs; i++) bias[i / 16][i % 16] = biases[i];
  REGISTERS_BEGIN(rows);
  // Each pair of parts fetches its share of the weights that follow these, the next outputs'.
  const char *next = (const char *)(weights + decaf_bfloat16_weight_count(c));
  const size_t pairs = (count * c->height * parts + 1) / 2;
  const size_t share = (decaf_bfloat16_weight_count(c) * sizeof(uint16_t) / pairs + 63) / 64;
  const uint16_t *inputs[2];
  float *corners[2];
  size_t waiting = 0;
  for (size_t map = 0; map < count; map++) {
    for (size_t y = 0; y < c->height; y++) {
      for (size_t part = 0; part < parts; part++) {
        const size_t x = part + 1 < parts ? part * rows : c->width - rows;
        inputs[waiting] = maps + map * map_step + y * line + x * c->channels;
        corners[waiting] = targets[map] + y * pitch + x * pixel;
        if (++waiting < 2) continue;
        for (size_t i = 0; i < share; i++, next += 64) __builtin_prefetch(next, 0, 2);
        sum_parts(1, c, inputs, weights, sums);
        finish_pixels(sums, rows, bias, floor, outputs, corners[0], pixel);
        finish_pixels(sums + 2 * REGISTER_FLOATS, rows, bias, floor, outputs, corners[1], pixel);
        waiting = 0;
      }
    }
  }
  if (waiting > 0) {
    sum_parts(0, c, inputs, weights, sums);
    finish_pixels(sums, rows, bias, floor, outputs, corners[0], pixel);
  }
  REGISTERS_END;
}
