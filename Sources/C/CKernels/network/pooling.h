INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// The largest of a window's numbers in one channel and those after it; `height` and `width` are
/// constants where this has to be fast.
INLINE vector window_maximum(const float *corner, size_t pitch, size_t channels, size_t height,
                             size_t width) {
  vector best = load(corner);
  for (size_t v = 0; v < height; v++) {
    for (size_t u = 0; u < width; u++) {
      best = larger(best, load(corner + v * pitch + u * channels));
    }
  }
  return best;
}

/// Maximum over windows, clipped at the map's end. No padding.
static void max_pool(const float *input, const decaf_map *input_map, float *output,
                     const decaf_map *output_map, size_t first, size_t end,
                     const decaf_map_options *options) {
  const size_t size = options->size, stride = options->stride;
  const size_t channels = input_map->channels, pitch = input_map->pitch;
  for (size_t y = first; y < end; y++) {
    const size_t top = y * stride, height = smaller(size, input_map->height - top);
    for (size_t x = 0; x < output_map->width; x++) {
      const size_t left = x * stride, width = smaller(size, input_map->width - left);
      const float *corner = input + top * pitch + left * channels;
      float *target = output + y * output_map->pitch + x * channels;
      const int is_usual = height == 3 && width == 3;
      size_t c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        store(target + c, is_usual ? window_maximum(corner + c, pitch, channels, 3, 3)
                                   : window_maximum(corner + c, pitch, channels, height, width));
      }
      for (; c < channels; c++) {
        float best = corner[c];
        for (size_t v = 0; v < height; v++) {
          for (size_t u = 0; u < width; u++) {
            const float value = corner[v * pitch + u * channels + c];
            best = best < value ? value : best;
          }
        }
        target[c] = best;
      }
    }
  }
}
