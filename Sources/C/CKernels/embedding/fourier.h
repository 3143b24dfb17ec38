// Discrete Fourier transforms of 16 signals side by side, by Stockham's method, which needs no
// reordering (Van Loan, *Computational Frameworks for the Fast Fourier Transform*, 1992, section 1.7).

typedef struct {
  lanes16 re, im;
} complex16;

#define EMBED_INLINE static inline __attribute__((always_inline))

EMBED_INLINE complex16 complex_plus(complex16 a, complex16 b) {
  return (complex16){a.re + b.re, a.im + b.im};
}

EMBED_INLINE complex16 complex_minus(complex16 a, complex16 b) {
  return (complex16){a.re - b.re, a.im - b.im};
}

EMBED_INLINE complex16 complex_scaled(complex16 a, float s) {
  return (complex16){a.re * s, a.im * s};
}

/// -i·a.
EMBED_INLINE complex16 complex_turned(complex16 a) { return (complex16){a.im, -a.re}; }

/// The transform of `radix` values, in place.
EMBED_INLINE void butterfly(complex16 *v, int radix) {
  if (radix == 2) {
    const complex16 a = v[0];
    v[0] = complex_plus(a, v[1]);
    v[1] = complex_minus(a, v[1]);
  } else if (radix == 3) {
    const complex16 sum = complex_plus(v[1], v[2]);
    const complex16 side =
        complex_scaled(complex_turned(complex_minus(v[1], v[2])), 0.86602540378443865f);
    const complex16 middle = complex_minus(v[0], complex_scaled(sum, 0.5f));
    v[0] = complex_plus(v[0], sum);
    v[1] = complex_plus(middle, side);
    v[2] = complex_minus(middle, side);
  } else if (radix == 4) {
    const complex16 a = complex_plus(v[0], v[2]), b = complex_minus(v[0], v[2]);
    const complex16 c = complex_plus(v[1], v[3]);
    const complex16 d = complex_turned(complex_minus(v[1], v[3]));
    v[0] = complex_plus(a, c);
    v[1] = complex_plus(b, d);
    v[2] = complex_minus(a, c);
    v[3] = complex_minus(b, d);
  } else {
    const float c1 = 0.30901699437494742f, c2 = -0.80901699437494742f;
    const float s1 = 0.95105651629515357f, s2 = 0.58778525229247313f;
    const complex16 near = complex_plus(v[1], v[4]), far = complex_plus(v[2], v[3]);
    const complex16 dn = complex_turned(complex_minus(v[1], v[4]));
    const complex16 df = complex_turned(complex_minus(v[2], v[3]));
    const complex16 m1 =
        complex_plus(v[0], complex_plus(complex_scaled(near, c1), complex_scaled(far, c2)));
    const complex16 m2 =
        complex_plus(v[0], complex_plus(complex_scaled(near, c2), complex_scaled(far, c1)));
    const complex16 t1 = complex_plus(complex_scaled(dn, s1), complex_scaled(df, s2));
    const complex16 t2 = complex_minus(complex_scaled(dn, s2), complex_scaled(df, s1));
    v[0] = complex_plus(v[0], complex_plus(near, far));
    v[1] = complex_plus(m1, t1);
    v[4] = complex_minus(m1, t1);
    v[2] = complex_plus(m2, t2);
    v[3] = complex_minus(m2, t2);
  }
}

/// One pass: `length` is what is left to transform, `stride` what is done.
EMBED_INLINE void pass(int radix, size_t length, size_t stride, size_t size, const float *twiddles,
                       const float *restrict in_re, const float *restrict in_im,
                       float *restrict out_re, float *restrict out_im) {
  const size_t part = length / radix;
  for (size_t p = 0; p < part; p++) {
    for (size_t q = 0; q < stride; q++) {
      complex16 v[5];
      for (int j = 0; j < radix; j++) {
        const size_t at = 16 * (q + stride * (p + part * j));
        v[j] = (complex16){load16(in_re + at), load16(in_im + at)};
      }
      butterfly(v, radix);
      for (int j = 0; j < radix; j++) {
        const size_t at = 16 * (q + stride * (radix * p + j));
        const float *w = twiddles + 2 * (p * j * stride % size);
        const lanes16 re = v[j].re * w[0] - v[j].im * w[1], im = v[j].re * w[1] + v[j].im * w[0];
        store16(out_re + at, re);
        store16(out_im + at, im);
      }
    }
  }
}

/// Transforms `size` × 16 numbers in place; with `re` and `im` exchanged, backwards.
///
/// `spare_re` and `spare_im` have the same size.
static void transform(size_t size, const float *twiddles, float *re, float *im, float *spare_re,
                      float *spare_im) {
  float *from[2] = {re, im}, *to[2] = {spare_re, spare_im};
  size_t length = size, stride = 1;
  while (length > 1) {
    const int radix = length % 5 == 0 ? 5 : length % 3 == 0 ? 3 : length % 4 == 0 ? 4 : 2;
#define PASS(R) pass(R, length, stride, size, twiddles, from[0], from[1], to[0], to[1])
    if (radix == 5) PASS(5);
    if (radix == 4) PASS(4);
    if (radix == 3) PASS(3);
    if (radix == 2) PASS(2);
#undef PASS
    for (int i = 0; i < 2; i++) {
      float *const other = from[i];
      from[i] = to[i];
      to[i] = other;
    }
    length /= radix;
    stride *= radix;
  }
  if (from[0] != re) {
    __builtin_memcpy(re, from[0], size * 16 * sizeof(float));
    __builtin_memcpy(im, from[1], size * 16 * sizeof(float));
  }
}
