// Operations on whole vectors, with one order of additions on every instruction set.

/// A float is a whole number of 24 bits times a power of two: shifted to the unit, that is exact but
/// for the bits below the unit, which are cut. Cutting to whole units is what makes the sums
/// independent of their order; see `FixedPointSum`. By integers, for vector units convert numbers of
/// 64 bits on few processors only.
static int add_fixed_f32(const float *restrict values, int32_t exponent,
                         const int32_t *restrict exponents, size_t count,
                         int64_t *restrict units) {
  int32_t largest = INT32_MIN, highest = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t bits;
    __builtin_memcpy(&bits, values + i, sizeof bits);
    const int32_t stored = (bits >> 23) & 0xff;
    highest = stored > highest ? stored : highest;
    // The number is `digits · 2^power`; subnormal ones, stored as 0, have the power of those stored as 1.
    const int32_t digits = (bits & 0x7fffff) | (stored ? 0x800000 : 0);
    const int32_t power = (stored ? stored : 1) - 150 - exponent - exponents[i];
    // Zero is within any bound.
    const int32_t reach = digits ? power : INT32_MIN;
    largest = reach > largest ? reach : largest;
    const int32_t left = power < 0 ? 0 : power > 63 ? 63 : power;
    const int32_t right = power > 0 ? 0 : power < -63 ? 63 : -power;
    const int64_t magnitude = (int64_t)((uint64_t)digits << left) >> right;
    const int64_t sign = -(int64_t)((uint32_t)bits >> 31);
    units[i] = (int64_t)((uint64_t)units[i] + (uint64_t)((magnitude ^ sign) - sign));
  }
  // 24 digits and 38 places to the left are less than 2^62; 255 stands for infinity and NaN.
  return highest < 255 && largest <= 38;
}

static int raise_bounds(float *restrict bounds, const float *restrict row, float scale,
                        float largest, size_t count) {
  int32_t limit, top = 0;
  __builtin_memcpy(&limit, &largest, sizeof limit);
  for (size_t i = 0; i < count; i++) {
    // Without their signs the bits of floats are ordered as their values, and NaN is above all.
    int32_t bits;
    __builtin_memcpy(&bits, row + i, sizeof bits);
    bits &= 0x7fffffff;
    top = bits > top ? bits : top;
    float magnitude;
    __builtin_memcpy(&magnitude, &bits, sizeof magnitude);
    const float bound = magnitude * scale;
    bounds[i] = bound > bounds[i] ? bound : bounds[i];
  }
  return top <= limit;
}

static void widen_f16(const uint16_t *halves, size_t count, float *values) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t half = halves[i], magnitude = (half & 0x7fff) << 13;
    // The exponent's bias differs by 112; multiplying also normalizes what is subnormal.
    float value;
    __builtin_memcpy(&value, &magnitude, sizeof value);
    value *= 0x1p112f;
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    if (magnitude >= 0x0f800000) bits |= 0x7f800000;
    bits |= (half & 0x8000) << 16;
    __builtin_memcpy(values + i, &bits, sizeof bits);
  }
}

INLINE lanes lanes_widened(const float *p) {
  typedef float half __attribute__((ext_vector_type(8)));
  half v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, lanes);
}

static double dot_f32(const float *a, const float *b, size_t count) {
  lanes even = (lanes)(0), odd = (lanes)(0);
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    even = lanes_fused(lanes_widened(a + i), lanes_widened(b + i), even);
    odd = lanes_fused(lanes_widened(a + i + 8), lanes_widened(b + i + 8), odd);
  }
  double sum = lanes_sum(even + odd);
  for (; i < count; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static void add_scaled_f32(float *restrict y, const float *restrict x, float scale,
                           size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += scale * x[i];
}

static double dot_mixed(const double *w, const float *x, size_t count) {
  // Four chains: an addition takes four cycles, and two can begin in each.
  lanes sums[4] = {(lanes)(0), (lanes)(0), (lanes)(0), (lanes)(0)};
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
      sums[j] = lanes_fused(lanes_load(w + i + 8 * j), lanes_widened(x + i + 8 * j), sums[j]);
    }
  }
  double sum = lanes_sum((sums[0] + sums[2]) + (sums[1] + sums[3]));
  for (; i < count; i++) sum += w[i] * (double)x[i];
  return sum;
}

static void add_scaled_mixed(double *restrict w, const float *restrict x, double scale,
                             size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    lanes_store(w + i, lanes_fused(lanes_widened(x + i), (lanes)(scale), lanes_load(w + i)));
  }
  for (; i < count; i++) w[i] += scale * (double)x[i];
}

static void line_products(const double *w, const double *g, const float *d, size_t count,
                          double *x) {
  lanes sums[4] = {(lanes)(0), (lanes)(0), (lanes)(0), (lanes)(0)};
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const lanes weight = lanes_load(w + i), slope = lanes_load(g + i);
    const lanes step = lanes_widened(d + i);
    sums[0] = lanes_fused(weight, weight, sums[0]);
    sums[1] = lanes_fused(weight, step, sums[1]);
    sums[2] = lanes_fused(step, step, sums[2]);
    sums[3] = lanes_fused(slope, step, sums[3]);
  }
  for (int j = 0; j < 4; j++) x[j] = lanes_sum(sums[j]);
  for (; i < count; i++) {
    const double step = (double)d[i];
    x[0] += w[i] * w[i];
    x[1] += w[i] * step;
    x[2] += step * step;
    x[3] += g[i] * step;
  }
}

static void widen_f32(const float *restrict floats, size_t count, double *restrict values) {
  for (size_t i = 0; i < count; i++) values[i] = (double)floats[i];
}
