// Forces between points of the plane (van der Maaten and Hinton, “Visualizing data using t-SNE”,
// 2008, equation 5), without their factor 4.

static void embedding_repulsion(const float *x, const float *y, size_t count, size_t first,
                                size_t end, float *fx, float *fy, double *sum) {
  double total = 0;
  for (size_t i = first; i < end; i++) {
    lanes16 ax = (lanes16)(0), ay = (lanes16)(0), az = (lanes16)(0);
    size_t j = 0;
    for (; j + 16 <= count; j += 16) {
      const lanes16 dx = x[i] - load16(x + j), dy = y[i] - load16(y + j);
      const lanes16 q = 1 / (1 + dx * dx + dy * dy);
      const lanes16 q2 = q * q;
      az += q;
      ax += q2 * dx;
      ay += q2 * dy;
    }
    float gx = sum16(ax), gy = sum16(ay), gz = sum16(az);
    for (; j < count; j++) {
      const float dx = x[i] - x[j], dy = y[i] - y[j];
      const float q = 1 / (1 + dx * dx + dy * dy);
      gz += q;
      gx += q * q * dx;
      gy += q * q * dy;
    }
    fx[i] = gx;
    fy[i] = gy;
    total += (double)gz - 1;
  }
  *sum += total;
}

static void embedding_attraction(const float *x, const float *y, const uint64_t *starts,
                                 const uint32_t *columns, const float *p, size_t first, size_t end,
                                 float *fx, float *fy) {
  for (size_t i = first; i < end; i++) {
    lanes16 ax = (lanes16)(0), ay = (lanes16)(0);
    size_t e = starts[i];
    const size_t last = starts[i + 1];
    for (; e + 16 <= last; e += 16) {
      lanes16 jx, jy;
      for (int lane = 0; lane < 16; lane++) {
        jx[lane] = x[columns[e + lane]];
        jy[lane] = y[columns[e + lane]];
      }
      const lanes16 dx = x[i] - jx, dy = y[i] - jy;
      const lanes16 force = load16(p + e) / (1 + dx * dx + dy * dy);
      ax += force * dx;
      ay += force * dy;
    }
    float gx = sum16(ax), gy = sum16(ay);
    for (; e < last; e++) {
      const float dx = x[i] - x[columns[e]], dy = y[i] - y[columns[e]];
      const float force = p[e] / (1 + dx * dx + dy * dy);
      gx += force * dx;
      gy += force * dy;
    }
    fx[i] = gx;
    fy[i] = gy;
  }
}

static void embedding_descend(float *position, float *velocity, float *gain,
                              const float *attraction, const float *repulsion, float exaggeration,
                              float normalization, float momentum, float rate, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float slope = exaggeration * attraction[i] - repulsion[i] * normalization;
    const float grown = gain[i] + 0.2f, shrunk = gain[i] * 0.8f;
    // By signs: a product of the two underflows where exaggeration has drawn all points together.
    const int turns = (slope < 0 && velocity[i] > 0) || (slope > 0 && velocity[i] < 0);
    const float next = turns ? grown : shrunk < 0.01f ? 0.01f : shrunk;
    gain[i] = next;
    velocity[i] = momentum * velocity[i] - rate * next * slope;
    position[i] += velocity[i];
  }
}
