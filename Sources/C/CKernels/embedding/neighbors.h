// Selection of nearest neighbours.

/// Puts a value in the place of the heap's largest and restores the order.
static void replace_largest(float *values, uint32_t *indices, size_t held, float value,
                            uint32_t index) {
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= held) break;
    if (child + 1 < held && values[child + 1] > values[child]) child++;
    if (values[child] <= value) break;
    values[at] = values[child];
    indices[at] = indices[child];
    at = child;
  }
  values[at] = value;
  indices[at] = index;
}

static size_t nearest(const float *products, const float *norms, size_t count, size_t base,
                      size_t self, size_t k, size_t held, float *values, uint32_t *indices) {
  for (size_t j = 0; j < count; j++) {
    if (held == k) {
      // Most of what comes is too far: 16 at a time are passed over.
      while (j + 16 <= count) {
        const lanes16 v = load16(norms + j) - 2 * load16(products + j);
        if (__builtin_reduce_min(v) < values[0]) break;
        j += 16;
      }
      if (j >= count) break;
    }
    const float value = norms[j] - 2 * products[j];
    if (base + j == self) continue;
    if (held < k) {
      size_t at = held++;
      while (at > 0 && values[(at - 1) / 2] < value) {
        values[at] = values[(at - 1) / 2];
        indices[at] = indices[(at - 1) / 2];
        at = (at - 1) / 2;
      }
      values[at] = value;
      indices[at] = (uint32_t)(base + j);
    } else if (value < values[0]) {
      replace_largest(values, indices, held, value, (uint32_t)(base + j));
    }
  }
  return held;
}
