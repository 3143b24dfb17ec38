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

/// Whether any of 16 numbers is below `bound`.
EMBED_INLINE int is_any_below(lanes16 v, float bound) { return __builtin_reduce_or(v < bound) != 0; }

static size_t nearest(const float *products, const float *norms, size_t count, size_t base,
                      size_t self, size_t k, size_t held, float *values, uint32_t *indices) {
  size_t j = 0;
  while (j < count) {
    if (held == k) {
      // Most of what comes is too far: 64 at a time, then 16, are passed over.
      while (j + 64 <= count) {
        lanes16 least = load16(norms + j) - 2 * load16(products + j);
        for (size_t i = j + 16; i < j + 64; i += 16) {
          least = __builtin_elementwise_min(least, load16(norms + i) - 2 * load16(products + i));
        }
        if (is_any_below(least, values[0])) break;
        j += 64;
      }
      while (j + 16 <= count
             && !is_any_below(load16(norms + j) - 2 * load16(products + j), values[0])) {
        j += 16;
      }
    }
    const size_t end = j + 16 < count ? j + 16 : count;
    for (; j < end; j++) {
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
  }
  return held;
}
