// The potential of all points by interpolation on a mesh and convolution by Fourier transforms
// (Linderman et al., “Fast interpolation-based t-SNE for improved visualization of single-cell
// RNA-seq data”, 2019). Repulsion is the gradient of one potential, φ(r) = Σ 1 / (1 + |r - r_j|²),
// so that one convolution serves where interpolating the forces takes four; it is interpolated by
// cubic B-splines, as in smooth particle mesh Ewald sums (Essmann et al., 1995).

/// Cubic B-splines at the four nodes about `t` in 0..<1.
EMBED_INLINE void spline(float t, float *b) {
  const float s = 1 - t;
  b[0] = s * s * s / 6;
  b[1] = (4 - 6 * t * t + 3 * t * t * t) / 6;
  b[2] = (4 - 6 * s * s + 3 * s * s * s) / 6;
  b[3] = t * t * t / 6;
}

/// Their derivatives.
EMBED_INLINE void spline_slope(float t, float *b) {
  const float s = 1 - t;
  b[0] = -s * s / 2;
  b[1] = (3 * t - 4) * t / 2;
  b[2] = (4 - 3 * s) * s / 2;
  b[3] = t * t / 2;
}

/// One over the transform of the B-spline's values at the nodes, squared: once for masses, once for
/// the potential.
static double unsplined(size_t k, size_t size) {
  const double b = (4 + 2 * cos(2 * M_PI * (double)k / (double)size)) / 6;
  return 1 / (b * b);
}

static void mesh_kernel(const decaf_mesh *mesh, float *scratch, float *table) {
  const size_t n = mesh->size, columns = mesh->columns;
  float *re = scratch, *im = re + 16 * n, *spare = im + 16 * n;
  const double h2 = (double)mesh->spacing * (double)mesh->spacing;
  for (size_t b = 0; b < n; b += 16) {
    for (size_t a = 0; a < n; a++) {
      for (size_t lane = 0; lane < 16; lane++) {
        const double i = (double)(a < n - a ? a : n - a);
        const double j = (double)(b + lane < n - b - lane ? b + lane : n - b - lane);
        re[16 * a + lane] = (float)(1 / (1 + h2 * (i * i + j * j)));
        im[16 * a + lane] = 0;
      }
    }
    transform(n, mesh->twiddles, re, im, spare, spare + 16 * n);
    // Even signals have real transforms.
    for (size_t lane = 0; lane < 16; lane++) {
      for (size_t k = 0; k < columns; k++) {
        table[(b + lane) * columns + k] = k <= n / 2 ? re[16 * k + lane] : 0;
      }
    }
  }
  for (size_t k = 0; k < columns; k += 16) {
    for (size_t b = 0; b < n; b++) {
      store16(re + 16 * b, load16(table + b * columns + k));
      store16(im + 16 * b, (lanes16)(0));
    }
    transform(n, mesh->twiddles, re, im, spare, spare + 16 * n);
    for (size_t b = 0; b < n; b++) {
      const double scale = unsplined(b, n) / ((double)n * (double)n);
      for (size_t lane = 0; lane < 16; lane++) {
        mesh->kernel[b * columns + k + lane] =
            (float)((double)re[16 * b + lane] * scale * unsplined(k + lane, n));
      }
    }
  }
}

/// A coordinate in nodes: the node below, and the rest.
EMBED_INLINE int32_t node_below(float coordinate, float start, float scale, float *rest) {
  const float u = (coordinate - start) * scale;
  const int32_t node = (int32_t)u;
  *rest = u - (float)node;
  return node;
}

static void mesh_spread(const decaf_mesh *mesh, const float *x, const float *y, size_t count,
                        size_t first, size_t end) {
  const size_t m = mesh->size / 2;
  const float scale = 1 / mesh->spacing;
  float *const nodes = mesh->nodes;
  for (size_t i = first * m; i < end * m; i++) nodes[i] = 0;
  for (size_t i = 0; i < count; i++) {
    float t, u;
    const int32_t a = node_below(x[i], mesh->left, scale, &t) - 1;
    if (a + 3 < (int32_t)first || a >= (int32_t)end) continue;
    const int32_t b = node_below(y[i], mesh->bottom, scale, &u) - 1;
    float across[4], along[4];
    spline(t, across);
    spline(u, along);
    for (int32_t k = 0; k < 4; k++) {
      if (a + k < (int32_t)first || a + k >= (int32_t)end) continue;
      float *const row = nodes + (size_t)(a + k) * m + (size_t)b;
      for (int l = 0; l < 4; l++) row[l] += across[k] * along[l];
    }
  }
}

// Two real signals are one complex one: columns y and y + size/4.

static void mesh_forward(const decaf_mesh *mesh, size_t tile, float *scratch) {
  const size_t n = mesh->size, m = n / 2, y = 16 * tile;
  float *re = scratch, *im = re + 16 * n, *spare = im + 16 * n;
  for (size_t a = 0; a < m; a++) {
    store16(re + 16 * a, load16(mesh->nodes + a * m + y));
    store16(im + 16 * a, load16(mesh->nodes + a * m + y + m / 2));
  }
  for (size_t a = m; a < n; a++) {
    store16(re + 16 * a, (lanes16)(0));
    store16(im + 16 * a, (lanes16)(0));
  }
  transform(n, mesh->twiddles, re, im, spare, spare + 16 * n);
  for (size_t k = 0; k <= m; k++) {
    const size_t other = k == 0 ? 0 : n - k;
    const lanes16 a = load16(re + 16 * k), b = load16(im + 16 * k);
    const lanes16 c = load16(re + 16 * other), d = load16(im + 16 * other);
    float *const to_re = mesh->re + k * m + y, *const to_im = mesh->im + k * m + y;
    store16(to_re, (a + c) * 0.5f);
    store16(to_im, (b - d) * 0.5f);
    store16(to_re + m / 2, (b + d) * 0.5f);
    store16(to_im + m / 2, (c - a) * 0.5f);
  }
}

/// Moves 16 rows of `count` numbers, `count` apart, into `count` rows of 16, or back.
EMBED_INLINE void turn(float *rows, size_t count, float *tile, int back) {
  for (size_t j = 0; j < count; j++) {
    for (size_t lane = 0; lane < 16; lane++) {
      if (back) {
        rows[lane * count + j] = tile[16 * j + lane];
      } else {
        tile[16 * j + lane] = rows[lane * count + j];
      }
    }
  }
}

static void mesh_convolve(const decaf_mesh *mesh, size_t tile, float *scratch) {
  const size_t n = mesh->size, m = n / 2, k = 16 * tile;
  float *re = scratch, *im = re + 16 * n, *spare = im + 16 * n;
  turn(mesh->re + k * m, m, re, 0);
  turn(mesh->im + k * m, m, im, 0);
  for (size_t b = m; b < n; b++) {
    store16(re + 16 * b, (lanes16)(0));
    store16(im + 16 * b, (lanes16)(0));
  }
  transform(n, mesh->twiddles, re, im, spare, spare + 16 * n);
  for (size_t b = 0; b < n; b++) {
    const lanes16 scale = load16(mesh->kernel + b * mesh->columns + k);
    store16(re + 16 * b, load16(re + 16 * b) * scale);
    store16(im + 16 * b, load16(im + 16 * b) * scale);
  }
  transform(n, mesh->twiddles, im, re, spare, spare + 16 * n);
  turn(mesh->re + k * m, m, re, 1);
  turn(mesh->im + k * m, m, im, 1);
}

static void mesh_backward(const decaf_mesh *mesh, size_t tile, float *scratch) {
  const size_t n = mesh->size, m = n / 2, y = 16 * tile;
  float *re = scratch, *im = re + 16 * n, *spare = im + 16 * n;
  for (size_t k = 0; k <= m; k++) {
    const float *const at_re = mesh->re + k * m + y, *const at_im = mesh->im + k * m + y;
    const lanes16 a = load16(at_re), b = load16(at_im);
    const lanes16 c = load16(at_re + m / 2), d = load16(at_im + m / 2);
    const size_t other = k == 0 ? 0 : n - k;
    store16(re + 16 * other, a + d);
    store16(im + 16 * other, c - b);
    store16(re + 16 * k, a - d);
    store16(im + 16 * k, b + c);
  }
  transform(n, mesh->twiddles, im, re, spare, spare + 16 * n);
  for (size_t a = 0; a < m; a++) {
    store16(mesh->nodes + a * m + y, load16(re + 16 * a));
    store16(mesh->nodes + a * m + y + m / 2, load16(im + 16 * a));
  }
}

static void mesh_gather(const decaf_mesh *mesh, const float *x, const float *y, size_t first,
                        size_t end, float *fx, float *fy, double *sum) {
  const size_t m = mesh->size / 2;
  const float scale = 1 / mesh->spacing;
  double total = 0;
  for (size_t i = first; i < end; i++) {
    float t, u, across[4], along[4], slope_across[4], slope_along[4];
    const size_t a = (size_t)(node_below(x[i], mesh->left, scale, &t) - 1);
    const size_t b = (size_t)(node_below(y[i], mesh->bottom, scale, &u) - 1);
    spline(t, across);
    spline(u, along);
    spline_slope(t, slope_across);
    spline_slope(u, slope_along);
    float value = 0, dx = 0, dy = 0;
    for (size_t k = 0; k < 4; k++) {
      lanes4 row, weights, slopes;
      __builtin_memcpy(&row, mesh->nodes + (a + k) * m + b, sizeof row);
      __builtin_memcpy(&weights, along, sizeof weights);
      __builtin_memcpy(&slopes, slope_along, sizeof slopes);
      const lanes4 p = row * weights, q = row * slopes;
      const float line = (p.x + p.y) + (p.z + p.w);
      value += across[k] * line;
      dx += slope_across[k] * line;
      dy += across[k] * ((q.x + q.y) + (q.z + q.w));
    }
    total += (double)value;
    // φ' = -2 Σ q²·(r_i - r_j).
    fx[i] = -0.5f * scale * dx;
    fy[i] = -0.5f * scale * dy;
  }
  *sum += total;
}
