// The potential of all points by interpolation on a mesh and convolution by Fourier transforms
// (Linderman et al., “Fast interpolation-based t-SNE for improved visualization of single-cell
// RNA-seq data”, 2019). Repulsion is the gradient of one potential, φ(r) = Σ 1 / (1 + |r - r_j|²),
// so that one convolution serves where interpolating the forces takes four; it is interpolated by
// quintic B-splines, as in smooth particle mesh Ewald sums (Essmann et al., 1995). Cubic ones would
// need nodes 1.6 times nearer: where the force of a near point is off by some hundredths, depending
// on where nodes are, points turn so often that their gains, and with them all motion, shrink.

enum { SPLINE = DECAF_MESH_SPLINE, BELOW = SPLINE / 2 - 1 };

/// B-splines at the six nodes about `t` in 0..<1, and their derivatives: of one point or of 16.
///
/// From the spline of order 2 upwards, M_n(u) = (u·M_n-1(u) + (n - u)·M_n-1(u - 1)) / (n - 1), with
/// the derivative M_n-1(u) - M_n-1(u - 1) (Essmann et al., equations 4.1 and 4.2).
#define SPLINES(T, name)                                                             \
  EMBED_INLINE void name(T t, T *b, T *slopes) {                                     \
    b[0] = 1 - t;                                                                    \
    b[1] = t;                                                                        \
    for (int n = 3; n <= SPLINE; n++) {                                              \
      const float part = 1 / (float)(n - 1);                                         \
      if (n == SPLINE) {                                                             \
        slopes[0] = -b[0];                                                           \
        for (int i = 1; i < SPLINE - 1; i++) slopes[i] = b[i - 1] - b[i];            \
        slopes[SPLINE - 1] = b[SPLINE - 2];                                          \
      }                                                                              \
      b[n - 1] = t * b[n - 2] * part;                                                \
      for (int i = n - 2; i > 0; i--) {                                              \
        b[i] = ((t + (float)(n - 1 - i)) * b[i - 1] + ((float)(i + 1) - t) * b[i]) * part; \
      }                                                                              \
      b[0] = (1 - t) * b[0] * part;                                                  \
    }                                                                                \
  }
SPLINES(float, spline)
SPLINES(lanes16, spline16)
#undef SPLINES

static void mesh_kernel(const decaf_mesh *mesh, const double *unsplined, float *scratch,
                        float *table) {
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
      const double scale = unsplined[b] / ((double)n * (double)n);
      for (size_t lane = 0; lane < 16; lane++) {
        mesh->kernel[b * columns + k + lane] =
            (float)((double)re[16 * b + lane] * scale * unsplined[k + lane]);
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
    const int32_t a = node_below(x[i], mesh->left, scale, &t) - BELOW;
    if (a + SPLINE - 1 < (int32_t)first || a >= (int32_t)end) continue;
    const int32_t b = node_below(y[i], mesh->bottom, scale, &u) - BELOW;
    float across[SPLINE], along[SPLINE], slopes[SPLINE];
    spline(t, across, slopes);
    spline(u, along, slopes);
    for (int32_t k = 0; k < SPLINE; k++) {
      if (a + k < (int32_t)first || a + k >= (int32_t)end) continue;
      float *const row = nodes + (size_t)(a + k) * m + (size_t)b;
      for (int l = 0; l < SPLINE; l++) row[l] += across[k] * along[l];
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

/// Σ b[i]·c[j] over nodes |i - j| = m apart, for each m.
EMBED_INLINE void overlaps(const lanes16 *b, const lanes16 *c, lanes16 *sums) {
  for (int m = 0; m < SPLINE; m++) sums[m] = (lanes16)(0);
  for (int i = 0; i < SPLINE; i++) {
    for (int j = 0; j < SPLINE; j++) sums[i < j ? j - i : i - j] += b[i] * c[j];
  }
}

/// What `mesh_gather` finds of each of 16 points alone, `t` and `u` beyond the nodes below them.
EMBED_INLINE void own_potential(const float *own, lanes16 t, lanes16 u, lanes16 *value, lanes16 *dx,
                                lanes16 *dy) {
  lanes16 b[SPLINE], slopes[SPLINE], across[SPLINE], along[SPLINE];
  lanes16 slope_across[SPLINE], slope_along[SPLINE];
  spline16(t, b, slopes);
  overlaps(b, b, across);
  overlaps(b, slopes, slope_across);
  spline16(u, b, slopes);
  overlaps(b, b, along);
  overlaps(b, slopes, slope_along);
  *value = *dx = *dy = (lanes16)(0);
  for (int k = 0; k < SPLINE; k++) {
    lanes16 line = (lanes16)(0), slope = (lanes16)(0);
    for (int l = 0; l < SPLINE; l++) {
      line += own[SPLINE * k + l] * along[l];
      slope += own[SPLINE * k + l] * slope_along[l];
    }
    *value += across[k] * line;
    *dx += slope_across[k] * line;
    *dy += across[k] * slope;
  }
}

/// Takes from the forces what points `first` ..< `end` find of themselves, and returns the sum of
/// their own potentials: nearly 1, and nearly none, but of all errors of a mesh the largest.
static double subtract_own(const decaf_mesh *mesh, const float *x, const float *y, size_t first,
                           size_t end, float *fx, float *fy) {
  const float scale = 1 / mesh->spacing;
  double total = 0;
  for (size_t i = first; i < end; i += 16) {
    const size_t count = end - i < 16 ? end - i : 16;
    float places[2][16] = {{0}}, results[3][16];
    __builtin_memcpy(places[0], x + i, count * sizeof *x);
    __builtin_memcpy(places[1], y + i, count * sizeof *y);
    const lanes16 a = (load16(places[0]) - mesh->left) * scale;
    const lanes16 b = (load16(places[1]) - mesh->bottom) * scale;
    lanes16 value, dx, dy;
    own_potential(mesh->own, a - __builtin_elementwise_trunc(a),
                  b - __builtin_elementwise_trunc(b), &value, &dx, &dy);
    store16(results[0], value);
    store16(results[1], dx);
    store16(results[2], dy);
    for (size_t lane = 0; lane < count; lane++) {
      total += (double)results[0][lane];
      fx[i + lane] += 0.5f * scale * results[1][lane];
      fy[i + lane] += 0.5f * scale * results[2][lane];
    }
  }
  return total;
}

static void mesh_gather(const decaf_mesh *mesh, const float *x, const float *y, size_t first,
                        size_t end, float *fx, float *fy, double *sum) {
  const size_t m = mesh->size / 2;
  const float scale = 1 / mesh->spacing;
  double total = 0;
  for (size_t i = first; i < end; i++) {
    // Eight lanes for six nodes: the last two weigh nothing.
    float t, u, across[8] = {0}, along[8] = {0}, slope_across[8] = {0}, slope_along[8] = {0};
    const size_t a = (size_t)(node_below(x[i], mesh->left, scale, &t) - BELOW);
    const size_t b = (size_t)(node_below(y[i], mesh->bottom, scale, &u) - BELOW);
    spline(t, across, slope_across);
    spline(u, along, slope_along);
    lanes8 weights, slopes;
    __builtin_memcpy(&weights, along, sizeof weights);
    __builtin_memcpy(&slopes, slope_along, sizeof slopes);
    lanes8 value = (lanes8)(0), slope = (lanes8)(0);
    for (size_t k = 0; k < SPLINE; k++) {
      lanes8 row;
      __builtin_memcpy(&row, mesh->nodes + (a + k) * m + b, sizeof row);
      value += across[k] * row;
      slope += slope_across[k] * row;
    }
    total += (double)sum8(value * weights);
    // φ' = -2 Σ q²·(r_i - r_j).
    fx[i] = -0.5f * scale * sum8(slope * weights);
    fy[i] = -0.5f * scale * sum8(value * slopes);
  }
  *sum += total - subtract_own(mesh, x, y, first, end, fx, fy);
}
