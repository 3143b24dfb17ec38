// Bilinear interpolation of 8-bit pixels. Products are rounded before they are added, in every
// class: all give the same bits.

typedef float pixel_vector __attribute__((ext_vector_type(4)));
typedef uint8_t byte_vector __attribute__((ext_vector_type(VECTOR_WIDTH)));

INLINE vector load_bytes(const uint8_t *p) {
  byte_vector v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, vector);
}

INLINE pixel_vector load_pixel(const float *p) {
  pixel_vector v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static void blend_rows(const uint8_t *above, const uint8_t *below, float fraction, size_t count,
                       float *blended) {
  size_t i = 0;
  for (; i + VECTOR_WIDTH <= count; i += VECTOR_WIDTH) {
    const vector value = load_bytes(above + i);
    store(blended + i, value + (load_bytes(below + i) - value) * splat(fraction));
  }
  for (; i < count; i++) {
    const float value = above[i];
    blended[i] = value + ((float)below[i] - value) * fraction;
  }
}

INLINE pixel_vector blend_pixel(const float *blended, const decaf_tap *tap, pixel_vector scale,
                                pixel_vector mean, int swaps_red_and_blue) {
  const float *pixel = blended + 3 * (size_t)tap->first;
  const pixel_vector value = load_pixel(pixel);
  const pixel_vector result =
      value + (load_pixel(pixel + 3) - value) * (pixel_vector)(tap->fraction);
  return (swaps_red_and_blue ? result.zyxw : result) * scale - mean;
}

INLINE void blend_line(const float *blended, const decaf_tap *taps, size_t count,
                       const decaf_pixel_scaling *scaling, float *pixels,
                       int swaps_red_and_blue) {
  const pixel_vector scale = (pixel_vector)(scaling->scale);
  const pixel_vector mean = {scaling->mean[0], scaling->mean[1], scaling->mean[2], 0};
  // The fourth lane of a pixel is its neighbour's first: of no use, and overwritten by it.
  size_t x = 0;
  for (; x + 1 < count; x++) {
    const pixel_vector result = blend_pixel(blended, taps + x, scale, mean, swaps_red_and_blue);
    __builtin_memcpy(pixels + 3 * x, &result, sizeof result);
  }
  const pixel_vector last = blend_pixel(blended, taps + x, scale, mean, swaps_red_and_blue);
  __builtin_memcpy(pixels + 3 * x, &last, 3 * sizeof(float));
}

static void blend_columns(const float *blended, const decaf_tap *taps, size_t count,
                          const decaf_pixel_scaling *scaling, float *pixels) {
  if (scaling->swaps_red_and_blue) {
    blend_line(blended, taps, count, scaling, pixels, 1);
  } else {
    blend_line(blended, taps, count, scaling, pixels, 0);
  }
}
