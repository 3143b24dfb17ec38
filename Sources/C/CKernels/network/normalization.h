// z^(-3/4) without roots or quotients, which take most of the time: y = z^(-1/4) by Newton's method
// for 1 / y⁴ - z = 0, which is y + y · (1 - z·y⁴) / 4, and then y³.
//
// A relative error e of y becomes 5/2 · e² with a step: from 3.2 % to 2.6e-3, 1.6e-5 and, had
// floats as many digits, 7e-10. What remains is rounding, three times as large in y³.

typedef int32_t integers __attribute__((ext_vector_type(VECTOR_WIDTH)));

/// The bits of a guess at z^(-1/4), plus a quarter of those of z: at most 3.2 % off, the least
/// there is. Three steps leave a relative error of 4e-7 in z^(-3/4).
///
/// A float's bits b are near 2²³ · (127 + log₂ z), off by what a straight line differs from the
/// logarithm within a power of two. So those of z^(-1/4), 2²³ · (127 - log₂ z / 4), are near
/// 5/4 · 127 · 2²³ - b / 4; the constant is a little less, which halves the largest error.
enum { FOURTH_ROOT_GUESS = 0x4f586000, FOURTH_ROOT_STEPS = 3 };

/// z^(-3/4) of positive numbers.
INLINE vector inverse_three_quarters(vector z) {
  integers bits;
  __builtin_memcpy(&bits, &z, sizeof z);
  bits = FOURTH_ROOT_GUESS - (bits >> 2);
  vector y;
  __builtin_memcpy(&y, &bits, sizeof y);
  const vector quarter = splat(-0.25f) * z;
#pragma clang loop unroll(full)
  for (int i = 0; i < FOURTH_ROOT_STEPS; i++) {
    const vector square = y * y;
    y = multiply_add(y, multiply_add(quarter, square * square, splat(0.25f)), y);
  }
  return y * y * y;
}

#define NEIGHBOUR(A, B, FIRST) __builtin_shufflevector(A, B, LANES_FROM(FIRST))
#if VECTOR_WIDTH == 16
#define LANES_FROM(I)                                                                           \
  I, I + 1, I + 2, I + 3, I + 4, I + 5, I + 6, I + 7, I + 8, I + 9, I + 10, I + 11, I + 12,     \
      I + 13, I + 14, I + 15
#elif VECTOR_WIDTH == 8
#define LANES_FROM(I) I, I + 1, I + 2, I + 3, I + 4, I + 5, I + 6, I + 7
#else
#define LANES_FROM(I) I, I + 1, I + 2, I + 3
#endif

/// The squares of the next channels of a pixel, zero beyond the last.
INLINE vector squares(const float *source, size_t count) {
  vector a = splat(0);
  if (count >= VECTOR_WIDTH) {
    a = load(source);
  } else {
    for (size_t i = 0; i < count; i++) a[i] = source[i];
  }
  return a * a;
}

/// b[c] = a[c] / (k + scale · Σ a[j]²)^0.75 over the five channels around c, pixel by pixel.
static void normalize(const float *input, const decaf_map *input_map, float *output,
                      const decaf_map *output_map, size_t first, size_t end,
                      const decaf_map_options *options) {
  const float scale = options->scale, k = options->k;
  const size_t channels = input_map->channels;
  for (size_t y = first; y < end; y++) {
    for (size_t x = 0; x < output_map->width; x++) {
      const float *source = input + y * input_map->pitch + x * channels;
      float *target = output + y * output_map->pitch + x * channels;
      // Windows reach into the vectors on either side.
      // Each sum adds its five squares in the order of the channels, whatever the vectors' width.
      vector before = splat(0), here = squares(source, channels);
      for (size_t c = 0; c < channels; c += VECTOR_WIDTH) {
        const size_t left = channels - c;
        const vector after =
            left > VECTOR_WIDTH ? squares(source + c + VECTOR_WIDTH, left - VECTOR_WIDTH) : splat(0);
        vector sum = NEIGHBOUR(before, here, VECTOR_WIDTH - 2);
        sum = sum + NEIGHBOUR(before, here, VECTOR_WIDTH - 1);
        sum = sum + here;
        sum = sum + NEIGHBOUR(here, after, 1);
        sum = sum + NEIGHBOUR(here, after, 2);
        const vector factor = inverse_three_quarters(splat(k) + splat(scale) * sum);
        if (left >= VECTOR_WIDTH) {
          store(target + c, load(source + c) * factor);
        } else {
          for (size_t i = 0; i < left; i++) target[c + i] = source[c + i] * factor[i];
        }
        before = here;
        here = after;
      }
    }
  }
}

/// The squares of a vector of channels that begins `shift` from the channel `c`; zero beyond the ends.
INLINE vector shifted_squares(const float *source, size_t c, ptrdiff_t shift, size_t channels) {
  const ptrdiff_t first = (ptrdiff_t)c + shift;
  vector a = splat(0);
  if (first >= 0 && first + VECTOR_WIDTH <= (ptrdiff_t)channels) {
    a = load(source + first);
  } else {
    for (ptrdiff_t i = 0; i < VECTOR_WIDTH; i++) {
      if (first + i >= 0 && first + i < (ptrdiff_t)channels) a[i] = source[first + i];
    }
  }
  return a * a;
}

/// As `normalize`, over any odd number of channels around c: `local_size`.
static void normalize_any(const float *input, const decaf_map *input_map, float *output,
                          const decaf_map *output_map, size_t first, size_t end,
                          const decaf_map_options *options) {
  const float scale = options->scale, k = options->k;
  const size_t channels = input_map->channels;
  const ptrdiff_t reach = (ptrdiff_t)options->local_size / 2;
  for (size_t y = first; y < end; y++) {
    for (size_t x = 0; x < output_map->width; x++) {
      const float *source = input + y * input_map->pitch + x * channels;
      float *target = output + y * output_map->pitch + x * channels;
      for (size_t c = 0; c < channels; c += VECTOR_WIDTH) {
        vector sum = shifted_squares(source, c, -reach, channels);
        for (ptrdiff_t shift = 1 - reach; shift <= reach; shift++) {
          sum = sum + shifted_squares(source, c, shift, channels);
        }
        const vector factor = inverse_three_quarters(splat(k) + splat(scale) * sum);
        for (size_t i = 0; i < VECTOR_WIDTH && c + i < channels; i++) {
          target[c + i] = source[c + i] * factor[i];
        }
      }
    }
  }
}

#undef NEIGHBOUR
#undef LANES_FROM

static void rectify(float *values, const decaf_map *map) {
  const size_t count = map->width * map->channels;
  for (size_t y = 0; y < map->height; y++) {
    float *line = values + y * map->pitch;
    size_t i = 0;
    for (; i + VECTOR_WIDTH <= count; i += VECTOR_WIDTH) store(line + i, rectified(load(line + i)));
    for (; i < count; i++) line[i] = line[i] < 0 ? 0 : line[i];
  }
}
