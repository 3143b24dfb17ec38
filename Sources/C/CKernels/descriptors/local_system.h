// Products of a few words' differences from a descriptor.

typedef double wide8 __attribute__((ext_vector_type(8)));

static void local_system(const float *words, const size_t *rows, size_t count,
                         const float *descriptor, size_t width, double *scratch, double *system) {
  for (size_t j = 0; j < width; j++) {
    const double own = (double)descriptor[j];
    for (size_t a = 0; a < 8; a++) {
      scratch[8 * j + a] = a < count ? (double)words[rows[a] * width + j] - own : 0;
    }
  }
  // A lane a word: each sum is over j, one after the other, whatever the vectors' width.
  wide8 sums[DECAF_LOCAL_WORDS];
  for (size_t b = 0; b < DECAF_LOCAL_WORDS; b++) sums[b] = (wide8)(0);
  for (size_t j = 0; j < width; j++) {
    wide8 differences;
    __builtin_memcpy(&differences, scratch + 8 * j, sizeof differences);
    for (size_t b = 0; b < DECAF_LOCAL_WORDS; b++) sums[b] += differences * differences[b];
  }
  for (size_t a = 0; a < count; a++) {
    for (size_t b = 0; b < count; b++) system[a * count + b] = sums[b][a];
  }
}
