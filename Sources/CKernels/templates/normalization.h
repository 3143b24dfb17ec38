// Square roots and quotients are rounded correctly by every instruction set, unlike the faster
// estimates, so that all classes give the same bits.

static void normalize(const float *input, const decaf_map *input_map, float *output,
                      const decaf_map *output_map, size_t local_size, float scale, float k,
                      float *squares) {
  const size_t channels = input_map->channels, before = local_size / 2;
  for (size_t c = 0; c < channels + local_size - 1; c++) squares[c] = 0;
  for (size_t y = 0; y < input_map->height; y++) {
    for (size_t x = 0; x < input_map->width; x++) {
      const float *source = input + y * input_map->pitch + x * channels;
      float *target = output + y * output_map->pitch + x * channels;
      size_t c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        const vector a = load(source + c);
        store(squares + before + c, a * a);
      }
      for (; c < channels; c++) squares[before + c] = source[c] * source[c];
      c = 0;
      for (; c + VECTOR_WIDTH <= channels; c += VECTOR_WIDTH) {
        vector sum = load(squares + c);
        for (size_t j = 1; j < local_size; j++) sum = sum + load(squares + c + j);
        const vector root = __builtin_elementwise_sqrt(splat(k) + splat(scale) * sum);
        store(target + c, load(source + c) / (root * __builtin_elementwise_sqrt(root)));
      }
      for (; c < channels; c++) {
        float sum = squares[c];
        for (size_t j = 1; j < local_size; j++) sum = sum + squares[c + j];
        const float root = __builtin_sqrtf(k + scale * sum);
        target[c] = source[c] / (root * __builtin_sqrtf(root));
      }
    }
  }
}

static void rectify(float *values, const decaf_map *map) {
  const size_t count = map->width * map->channels;
  for (size_t y = 0; y < map->height; y++) {
    float *line = values + y * map->pitch;
    size_t i = 0;
    for (; i + VECTOR_WIDTH <= count; i += VECTOR_WIDTH) store(line + i, rectified(load(line + i)));
    for (; i < count; i++) line[i] = line[i] < 0 ? 0 : line[i];
  }
}
