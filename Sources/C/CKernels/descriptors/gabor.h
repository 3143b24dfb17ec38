// Filtering by products of Fourier transforms, and the mean magnitude of what comes out.

/// Turns `count` rows of 16 numbers into 16 rows of `count`, `pitch` apart.
static void turn_tile(const float *tile, size_t count, float *to, size_t pitch) {
  for (size_t j = 0; j < count; j++) {
    for (size_t lane = 0; lane < 16; lane++) to[lane * pitch + j] = tile[16 * j + lane];
  }
}

static void gabor_spectrum(const decaf_gabor *gabor, const float *image, float *re, float *im,
                           float *scratch) {
  const size_t n = gabor->size;
  float *const turned_re = scratch, *const turned_im = turned_re + n * n;
  float *const a = turned_im + n * n, *const b = a + 16 * n, *const spare = b + 16 * n;
  // Along the columns, 16 side by side.
  for (size_t x = 0; x < n; x += 16) {
    for (size_t y = 0; y < n; y++) {
      store16(a + 16 * y, load16(image + y * n + x));
      store16(b + 16 * y, (lanes16)(0));
    }
    transform(n, gabor->twiddles, a, b, spare, spare + 16 * n);
    turn_tile(a, n, turned_re + x * n, n);
    turn_tile(b, n, turned_im + x * n, n);
  }
  // Along the rows: of 16 frequencies of the columns at a time.
  for (size_t u = 0; u < n; u += 16) {
    for (size_t x = 0; x < n; x++) {
      store16(a + 16 * x, load16(turned_re + x * n + u));
      store16(b + 16 * x, load16(turned_im + x * n + u));
    }
    transform(n, gabor->twiddles, a, b, spare, spare + 16 * n);
    for (size_t v = 0; v < n; v++) {
      store16(re + v * n + u, load16(a + 16 * v));
      store16(im + v * n + u, load16(b + 16 * v));
    }
  }
}

static void gabor_response(const decaf_gabor *gabor, const float *re, const float *im,
                           const float *filter, float *means, float *scratch) {
  const size_t n = gabor->size, border = gabor->border, blocks = gabor->blocks;
  const size_t inner = n - 2 * border, side = inner / blocks;
  // The frequency along a column by the pixels along a row.
  float *const half_re = scratch, *const half_im = half_re + n * inner;
  float *const a = scratch + 2 * n * n, *const b = a + 16 * n, *const spare = b + 16 * n;
  for (size_t u = 0; u < n; u += 16) {
    for (size_t v = 0; v < n; v++) {
      const lanes16 gain = load16(filter + v * n + u);
      store16(a + 16 * v, load16(re + v * n + u) * gain);
      store16(b + 16 * v, load16(im + v * n + u) * gain);
    }
    transform(n, gabor->twiddles, b, a, spare, spare + 16 * n);
    turn_tile(a + 16 * border, inner, half_re + u * inner, inner);
    turn_tile(b + 16 * border, inner, half_im + u * inner, inner);
  }
  for (size_t i = 0; i < blocks * blocks; i++) means[i] = 0;
  for (size_t x = 0; x < inner; x += 16) {
    for (size_t u = 0; u < n; u++) {
      store16(a + 16 * u, load16(half_re + u * inner + x));
      store16(b + 16 * u, load16(half_im + u * inner + x));
    }
    transform(n, gabor->twiddles, b, a, spare, spare + 16 * n);
    for (size_t block = 0; block < blocks; block++) {
      lanes16 sum = (lanes16)(0);
      const size_t first = border + block * side;
      for (size_t y = first; y < first + side; y++) {
        const lanes16 p = load16(a + 16 * y), q = load16(b + 16 * y);
        sum += __builtin_elementwise_sqrt(p * p + q * q);
      }
      means[x / side * blocks + block] += sum16(sum);
    }
  }
  for (size_t i = 0; i < blocks * blocks; i++) means[i] /= (float)(side * side);
}
