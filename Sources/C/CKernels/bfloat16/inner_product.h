// Inner products wait for their weights, which come from memory: there is time for more exact ones.
// A number is split into the upper half of its bits and the upper half of what that leaves, both
// bfloat16, within 2⁻¹⁴ of it; of the products of halves all but that of the two small ones count.

/// The bits that are a bfloat16 number too.
INLINE floats upper_half(floats x) {
  words bits;
  __builtin_memcpy(&bits, &x, sizeof x);
  bits &= 0xffff0000;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

INLINE halves upper_bits(floats x) {
  words bits;
  __builtin_memcpy(&bits, &x, sizeof x);
  return __builtin_convertvector(bits >> 16, halves);
}

INLINE void split_16(const unaligned_float *from, uint16_t *large, uint16_t *small) {
  floats x;
  __builtin_memcpy(&x, from, sizeof x);
  const halves upper = upper_bits(x), rest = upper_bits(x - upper_half(x));
  __builtin_memcpy(large, &upper, sizeof upper);
  __builtin_memcpy(small, &rest, sizeof rest);
}

/// As above, STEP numbers: as many as there are, zero beyond.
INLINE void split_step(const unaligned_float *from, size_t count, uint16_t *large,
                       uint16_t *small) {
  split_16(from, large, small);
  if (count >= 32) {
    split_16(from + 16, large + 16, small + 16);
  } else {
    __builtin_memset(large + 16, 0, 32);
    __builtin_memset(small + 16, 0, 32);
  }
}

// A step's inputs: for every part of DECAF_BFLOAT16_ROWS rows [pair of terms][row][term], the large
// halves and then the small. Steps follow each other; rows are taken in groups of four parts.

enum { STEP = DECAF_BFLOAT16_STEP, GROUP_ROWS = DECAF_BFLOAT16_GROUP_ROWS };
enum { GROUP_PARTS = GROUP_ROWS / DECAF_BFLOAT16_ROWS };

/// Steps that one walk over the outputs covers: their inputs stay in the second cache.
enum { SLAB_STEPS = 32 };

INLINE size_t group_parts(size_t rows) {
  return rows < GROUP_ROWS ? (rows + DECAF_BFLOAT16_ROWS - 1) / DECAF_BFLOAT16_ROWS : GROUP_PARTS;
}

static void pack_rows(const float *rows, size_t pitch, size_t count, size_t depth,
                      uint16_t *packed) {
  for (size_t group = 0; group < count; group += GROUP_ROWS) {
    const size_t parts = group_parts(count - group);
    for (size_t k = 0; k < depth; k += STEP) {
      for (size_t t = 0; t < parts; t++, packed += 2 * REGISTER_NUMBERS) {
        for (size_t r = 0; r < DECAF_BFLOAT16_ROWS; r++) {
          const size_t row = group + t * DECAF_BFLOAT16_ROWS + r;
          uint16_t large[STEP] = {0}, small[STEP] = {0};
          if (row < count) split_step(rows + row * pitch + k, depth - k, large, small);
          for (size_t i = 0; i < STEP; i++) {
            const size_t place = i / 2 * 32 + 2 * r + i % 2;
            packed[place] = large[i];
            packed[REGISTER_NUMBERS + place] = small[i];
          }
        }
      }
    }
  }
}

/// Splits a step's weights of four of 16 outputs, from row `first` on: [output][term], large halves
/// and then small. Fetches what lies `ahead` terms after each.
INLINE void split_weights(const unaligned_float *const *rows, size_t first, size_t k, size_t depth,
                          size_t ahead, uint16_t *split) {
  for (size_t r = first; r < first + 4; r++) {
    const unaligned_float *row = rows[r] + k;
    __builtin_prefetch(row + ahead, 0, 2);
    __builtin_prefetch(row + ahead + 16, 0, 2);
    split_step(row, depth - k, split + r * STEP, split + REGISTER_NUMBERS + r * STEP);
  }
}

#define FOR_EACH_PART(DO) DO(0) DO(1) DO(2) DO(3)
#define BEGIN_SUMS(T)                                  \
  if (parts > T && k == 0) REGISTER_ZERO(T);               \
  if (parts > T && k > 0) REGISTER_LOAD(T, block + T * REGISTER_FLOATS, REGISTER_PITCH);
#define KEEP_SUMS(T) \
  if (parts > T) REGISTER_STORE(T, block + T * REGISTER_FLOATS, REGISTER_PITCH);
/// A step's products with one part of the rows, and a quarter of the next step's weights.
#define ADD_PRODUCTS(T)                                            \
  if (parts > T) {                                                 \
    REGISTER_LOAD(6, inputs + 2 * T * REGISTER_NUMBERS, REGISTER_PITCH);       \
    REGISTER_LOAD(7, inputs + (2 * T + 1) * REGISTER_NUMBERS, REGISTER_PITCH); \
    REGISTER_PRODUCT(T, 4, 6);                                         \
    REGISTER_PRODUCT(T, 4, 7);                                         \
    REGISTER_PRODUCT(T, 5, 6);                                         \
  }                                                                \
  if (i + STEP < slab_end) split_weights(rows, 4 * T, i + STEP, depth, 16 * depth, next);
#define SPLIT_FIRST(T) split_weights(rows, 4 * T, k, depth, 16 * depth, split[0]);

/// Outputs `o` ..< `o + width` of a group of rows from their sums, [part][output][row].
INLINE void finish_rows(const float *sums, const float *biases, size_t o, size_t width,
                        size_t first_row, size_t count, float *output, size_t pitch,
                        int rectify) {
  const floats floor = (floats)(rectify ? 0 : -__builtin_inff());
  for (size_t row = first_row; row < count && row < first_row + GROUP_ROWS;
       row += DECAF_BFLOAT16_ROWS, sums += REGISTER_FLOATS) {
    const size_t in_part = count - row < DECAF_BFLOAT16_ROWS ? count - row : DECAF_BFLOAT16_ROWS;
    for (size_t i = 0; i < width; i++) {
      floats x;
      __builtin_memcpy(&x, sums + 16 * i, sizeof x);
      x += (floats)biases[o + i];
      x = x < floor ? floor : x;
      for (size_t r = 0; r < in_part; r++) output[(row + r) * pitch + o + i] = x[r];
    }
  }
}

static void inner_product(const decaf_inner_product *p, const uint16_t *packed, size_t count,
                          size_t first, size_t end, float *sums, float *output, size_t pitch,
                          int rectify) {
  const size_t depth = p->depth;
  _Alignas(64) uint16_t split[2][2 * REGISTER_NUMBERS];
  REGISTERS_BEGIN(16);
  for (size_t group = 0; group < count; group += GROUP_ROWS) {
    const size_t parts = group_parts(count - group);
    for (size_t k = 0; k < depth; k += SLAB_STEPS * STEP) {
      const size_t slab_end = depth - k < SLAB_STEPS * STEP ? depth : k + SLAB_STEPS * STEP;
      for (size_t o = first; o < end; o += 16) {
        const size_t width = end - o < 16 ? end - o : 16;
        const unaligned_float *rows[16];
        for (size_t r = 0; r < 16; r++) {
          rows[r] = (const unaligned_float *)p->weights + (o + (r < width ? r : width - 1)) * depth;
        }
        float *block = sums + o / 16 * GROUP_PARTS * REGISTER_FLOATS;
        const uint16_t *inputs = packed;
        FOR_EACH_PART(BEGIN_SUMS)
        // The same terms of the next outputs are fetched on the way.
        FOR_EACH_PART(SPLIT_FIRST)
        for (size_t i = k; i < slab_end; i += STEP, inputs += 2 * parts * REGISTER_NUMBERS) {
          const uint16_t *step = split[i / STEP % 2];
          uint16_t *next = split[(i / STEP + 1) % 2];
          REGISTER_LOAD(4, step, REGISTER_PITCH);
          REGISTER_LOAD(5, step + REGISTER_NUMBERS, REGISTER_PITCH);
          FOR_EACH_PART(ADD_PRODUCTS)
        }
        FOR_EACH_PART(KEEP_SUMS)
        if (slab_end == depth) {
          finish_rows(block, p->biases, o, width, group, count, output, pitch, rectify);
        }
      }
      packed += (slab_end - k + STEP - 1) / STEP * 2 * parts * REGISTER_NUMBERS;
    }
  }
  REGISTERS_END;
}
