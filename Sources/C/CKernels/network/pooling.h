// Pooling. Windows are clipped at the map's edges: padding is never read.

/// The part of a window that lies in the map, along one axis.
typedef struct {
  size_t first, end;
  /// Places of the window in the map with its padding, which an average is divided by.
  size_t places;
} window_part;

INLINE window_part clipped(size_t number, size_t size, size_t stride, size_t padding, size_t side) {
  // Counted from the padded map's first place.
  const size_t first = number * stride, end = smaller(first + size, side + 2 * padding);
  return (window_part){
      .first = first < padding ? 0 : first - padding,
      .end = smaller(end < padding ? 0 : end - padding, side),
      .places = end - first,
  };
}

INLINE window_part window_lines(const decaf_map_options *o, size_t y, const decaf_map *map) {
  return clipped(y, o->height, o->stride_y, o->padding_y, map->height);
}

INLINE window_part window_pixels(const decaf_map_options *o, size_t x, const decaf_map *map) {
  return clipped(x, o->width, o->stride_x, o->padding_x, map->width);
}

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

/// Maximum over windows, each of which reaches the map.
static void max_pool(const float *input, const decaf_map *input_map, float *output,
                     const decaf_map *output_map, size_t first, size_t end,
                     const decaf_map_options *options) {
  const size_t channels = input_map->channels, pitch = input_map->pitch;
  for (size_t y = first; y < end; y++) {
    const window_part lines = window_lines(options, y, input_map);
    const size_t height = lines.end - lines.first;
    for (size_t x = 0; x < output_map->width; x++) {
      const window_part pixels = window_pixels(options, x, input_map);
      const size_t width = pixels.end - pixels.first;
      const float *corner = input + lines.first * pitch + pixels.first * channels;
      float *target = output + y * output_map->pitch + x * channels;
      const int is_usual = height == 3 && width == 3, is_small = height == 2 && width == 2;
      size_t c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        store(target + c, is_usual   ? window_maximum(corner + c, pitch, channels, 3, 3)
                          : is_small ? window_maximum(corner + c, pitch, channels, 2, 2)
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

/// Sum over the part of a window inside the map, divided by its places in the padded map.
static void average_pool(const float *input, const decaf_map *input_map, float *output,
                         const decaf_map *output_map, size_t first, size_t end,
                         const decaf_map_options *options) {
  const size_t channels = input_map->channels, pitch = input_map->pitch;
  for (size_t y = first; y < end; y++) {
    const window_part lines = window_lines(options, y, input_map);
    for (size_t x = 0; x < output_map->width; x++) {
      const window_part pixels = window_pixels(options, x, input_map);
      const float places = (float)(lines.places * pixels.places);
      float *target = output + y * output_map->pitch + x * channels;
      size_t c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        vector sum = splat(0);
        for (size_t v = lines.first; v < lines.end; v++) {
          for (size_t u = pixels.first; u < pixels.end; u++) {
            sum = sum + load(input + v * pitch + u * channels + c);
          }
        }
        store(target + c, sum / splat(places));
      }
      for (; c < channels; c++) {
        float sum = 0;
        for (size_t v = lines.first; v < lines.end; v++) {
          for (size_t u = pixels.first; u < pixels.end; u++) {
            sum += input[v * pitch + u * channels + c];
          }
        }
        target[c] = sum / places;
      }
    }
  }
}
