INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static void max_pool(const float *input, const decaf_map *input_map, float *output,
                     const decaf_map *output_map, size_t first, size_t end, size_t size,
                     size_t stride) {
  const size_t channels = input_map->channels;
  for (size_t y = first; y < end; y++) {
    const size_t top = y * stride, bottom = smaller(top + size, input_map->height);
    for (size_t x = 0; x < output_map->width; x++) {
      const size_t left = x * stride, right = smaller(left + size, input_map->width);
      float *target = output + y * output_map->pitch + x * channels;
      size_t c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        vector best = load(input + top * input_map->pitch + left * channels + c);
        for (size_t v = top; v < bottom; v++) {
          for (size_t u = left; u < right; u++) {
            best = larger(best, load(input + v * input_map->pitch + u * channels + c));
          }
        }
        store(target + c, best);
      }
      for (; c < channels; c++) {
        float best = input[top * input_map->pitch + left * channels + c];
        for (size_t v = top; v < bottom; v++) {
          for (size_t u = left; u < right; u++) {
            const float value = input[v * input_map->pitch + u * channels + c];
            best = best < value ? value : best;
          }
        }
        target[c] = best;
      }
    }
  }
}
