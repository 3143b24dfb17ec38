// Defines the table `bfloat16_kernels` of tile products. The including file defines
//   TILES_BEGIN(ROWS)         starts the use of tiles: of sums, 0 to 3, and of their first factors, 4
//                             and 5, as many rows; of second factors, 6 and 7, 16; 64 bytes a row,
//   TILES_END                 ends it,
//   TILE_ZERO(T), TILE_LOAD(T, FROM, PITCH), TILE_STORE(T, TO, PITCH),
//   TILE_PRODUCT(SUMS, A, B)  sums += A · B, a step of 32 terms,
// with the tiles' numbers as constants, and has set the target by `#pragma clang attribute`.

#include "../include/bfloat16.h"
#include "steps.h"

#define INLINE static inline __attribute__((always_inline))

typedef float floats __attribute__((ext_vector_type(16)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef uint16_t halves __attribute__((ext_vector_type(16)));
typedef float unaligned_float __attribute__((aligned(1)));

/// Rounded to nearest even; what is not a number stays so.
INLINE halves rounded(floats x) {
  words bits;
  __builtin_memcpy(&bits, &x, sizeof x);
  const words nearest = bits + 0x7fff + ((bits >> 16) & 1);
  const words kept = x == x ? nearest : bits | 0x400000;
  return __builtin_convertvector(kept >> 16, halves);
}

INLINE void round_16(const unaligned_float *from, uint16_t *to) {
  floats x;
  __builtin_memcpy(&x, from, sizeof x);
  const halves r = rounded(x);
  __builtin_memcpy(to, &r, sizeof r);
}

static void pack_map(const decaf_tile_convolution *c, const float *input, size_t pitch,
                     size_t pixel, uint16_t *packed) {
  const size_t height = c->height + c->kernel_size - 1, width = c->width + c->kernel_size - 1;
  for (size_t y = 0; y < height; y++) {
    for (size_t x = 0; x < width; x++) {
      const float *source = input + y * pitch + x * pixel;
      for (size_t i = 0; i < c->channels; i += 16, packed += 16) round_16(source + i, packed);
    }
  }
  // The last step of a sum may read beyond the map.
  __builtin_memset(packed, 0, DECAF_TILE_STEP * sizeof *packed);
}

enum { TILE_FLOATS = 16 * 16, TILE_NUMBERS = 16 * 32, TILE_BYTES = 64 };

/// The sums of one or two tiles of pixels with both halves of the outputs: [tile of pixels][half]
/// [pixel][output]. `both` is a constant wherever this is inlined.
///
/// A step's loads come before its products: only then do they overlap with those of the step before.
INLINE void sum_tiles(const int both, const decaf_tile_convolution *c,
                      const uint16_t *const *inputs, const uint16_t *weights, float *sums) {
  const size_t pixel = c->channels * sizeof(uint16_t), steps = steps_of_line(c);
  TILE_ZERO(0);
  TILE_ZERO(1);
  if (both) {
    TILE_ZERO(2);
    TILE_ZERO(3);
  }
  for (size_t v = 0; v < c->kernel_size; v++) {
    size_t offset = v * map_line(c);
    for (size_t i = 0; i < steps; i++, offset += DECAF_TILE_STEP, weights += 2 * TILE_NUMBERS) {
      TILE_LOAD(4, inputs[0] + offset, pixel);
      if (both) TILE_LOAD(5, inputs[1] + offset, pixel);
      TILE_LOAD(6, weights, TILE_BYTES);
      TILE_LOAD(7, weights + TILE_NUMBERS, TILE_BYTES);
      TILE_PRODUCT(0, 4, 6);
      TILE_PRODUCT(1, 4, 7);
      if (both) {
        TILE_PRODUCT(2, 5, 6);
        TILE_PRODUCT(3, 5, 7);
      }
    }
  }
  TILE_STORE(0, sums, TILE_BYTES);
  TILE_STORE(1, sums + TILE_FLOATS, TILE_BYTES);
  if (both) {
    TILE_STORE(2, sums + 2 * TILE_FLOATS, TILE_BYTES);
    TILE_STORE(3, sums + 3 * TILE_FLOATS, TILE_BYTES);
  }
}

/// Outputs of a tile of `rows` pixels from their sums, [half][pixel][output].
INLINE void finish_pixels(const float *sums, size_t rows, const floats *bias, floats floor,
                          size_t outputs, float *output, size_t pixel) {
  for (size_t o = 0; o < outputs; o += 16, sums += TILE_FLOATS) {
    for (size_t r = 0; r < rows; r++) {
      floats x;
      __builtin_memcpy(&x, sums + 16 * r, sizeof x);
      x += bias[o / 16];
      x = x < floor ? floor : x;
      float *target = output + r * pixel + o;
      if (outputs - o >= 16) {
        __builtin_memcpy(target, &x, sizeof x);
      } else {
        for (size_t i = 0; i < outputs - o; i++) target[i] = x[i];
      }
    }
  }
}

static void convolve(const decaf_tile_convolution *c, const uint16_t *maps, size_t map_step,
                     size_t count, const uint16_t *weights, const float *biases, size_t outputs,
                     float *const *targets, size_t pitch, size_t pixel, int rectify) {
  const size_t line = map_line(c);
  // Parts of a line, equally wide: the last may begin before the one before it ends.
  const size_t parts = (c->width + 15) / 16, rows = (c->width + parts - 1) / parts;
  _Alignas(64) float sums[4 * TILE_FLOATS];
  const floats floor = (floats)(rectify ? 0 : -__builtin_inff());
  floats bias[2] = {0, 0};
  for (size_t i = 0; i < outputs; i++) bias[i / 16][i % 16] = biases[i];
  TILES_BEGIN(rows);
  // Each pair of tiles fetches its share of the weights that follow these, the next outputs'.
  const char *next = (const char *)(weights + decaf_tile_weight_count(c));
  const size_t pairs = (count * c->height * parts + 1) / 2;
  const size_t share = (decaf_tile_weight_count(c) * sizeof(uint16_t) / pairs + 63) / 64;
  const uint16_t *inputs[2];
  float *corners[2];
  size_t waiting = 0;
  for (size_t map = 0; map < count; map++) {
    for (size_t y = 0; y < c->height; y++) {
      for (size_t part = 0; part < parts; part++) {
        const size_t x = part + 1 < parts ? part * rows : c->width - rows;
        inputs[waiting] = maps + map * map_step + y * line + x * c->channels;
        corners[waiting] = targets[map] + y * pitch + x * pixel;
        if (++waiting < 2) continue;
        for (size_t i = 0; i < share; i++, next += 64) __builtin_prefetch(next, 0, 2);
        sum_tiles(1, c, inputs, weights, sums);
        finish_pixels(sums, rows, bias, floor, outputs, corners[0], pixel);
        finish_pixels(sums + 2 * TILE_FLOATS, rows, bias, floor, outputs, corners[1], pixel);
        waiting = 0;
      }
    }
  }
  if (waiting > 0) {
    sum_tiles(0, c, inputs, weights, sums);
    finish_pixels(sums, rows, bias, floor, outputs, corners[0], pixel);
  }
  TILES_END;
}

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

// A step's inputs: for every tile of DECAF_TILE_ROWS rows [pair of terms][row][term], the large
// halves and then the small. Steps follow each other; rows are taken in groups of four tiles.

enum { STEP = DECAF_TILE_STEP, GROUP_ROWS = DECAF_TILE_GROUP_ROWS };
enum { GROUP_TILES = GROUP_ROWS / DECAF_TILE_ROWS };

/// Steps that one walk over the outputs covers: their inputs stay in the second cache.
enum { SLAB_STEPS = 32 };

INLINE size_t group_tiles(size_t rows) {
  return rows < GROUP_ROWS ? (rows + DECAF_TILE_ROWS - 1) / DECAF_TILE_ROWS : GROUP_TILES;
}

static void pack_rows(const float *rows, size_t pitch, size_t count, size_t depth,
                      uint16_t *packed) {
  for (size_t group = 0; group < count; group += GROUP_ROWS) {
    const size_t tiles = group_tiles(count - group);
    for (size_t k = 0; k < depth; k += STEP) {
      for (size_t t = 0; t < tiles; t++, packed += 2 * TILE_NUMBERS) {
        for (size_t r = 0; r < DECAF_TILE_ROWS; r++) {
          const size_t row = group + t * DECAF_TILE_ROWS + r;
          uint16_t large[STEP] = {0}, small[STEP] = {0};
          if (row < count) split_step(rows + row * pitch + k, depth - k, large, small);
          for (size_t i = 0; i < STEP; i++) {
            const size_t place = i / 2 * 32 + 2 * r + i % 2;
            packed[place] = large[i];
            packed[TILE_NUMBERS + place] = small[i];
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
    split_step(row, depth - k, split + r * STEP, split + TILE_NUMBERS + r * STEP);
  }
}

#define FOR_EACH_TILE(DO) DO(0) DO(1) DO(2) DO(3)
#define BEGIN_SUMS(T)                                  \
  if (tiles > T && k == 0) TILE_ZERO(T);               \
  if (tiles > T && k > 0) TILE_LOAD(T, block + T * TILE_FLOATS, TILE_BYTES);
#define KEEP_SUMS(T) \
  if (tiles > T) TILE_STORE(T, block + T * TILE_FLOATS, TILE_BYTES);
/// A step's products with one tile of rows, and a quarter of the next step's weights.
#define ADD_PRODUCTS(T)                                            \
  if (tiles > T) {                                                 \
    TILE_LOAD(6, inputs + 2 * T * TILE_NUMBERS, TILE_BYTES);       \
    TILE_LOAD(7, inputs + (2 * T + 1) * TILE_NUMBERS, TILE_BYTES); \
    TILE_PRODUCT(T, 4, 6);                                         \
    TILE_PRODUCT(T, 4, 7);                                         \
    TILE_PRODUCT(T, 5, 6);                                         \
  }                                                                \
  if (i + STEP < slab_end) split_weights(rows, 4 * T, i + STEP, depth, 16 * depth, next);
#define SPLIT_FIRST(T) split_weights(rows, 4 * T, k, depth, 16 * depth, split[0]);

/// Outputs `o` ..< `o + width` of a group of rows from their sums, [tile of rows][output][row].
INLINE void finish_rows(const float *sums, const float *biases, size_t o, size_t width,
                        size_t first_row, size_t count, float *output, size_t pitch,
                        int rectify) {
  const floats floor = (floats)(rectify ? 0 : -__builtin_inff());
  for (size_t row = first_row; row < count && row < first_row + GROUP_ROWS;
       row += DECAF_TILE_ROWS, sums += TILE_FLOATS) {
    const size_t in_tile = count - row < DECAF_TILE_ROWS ? count - row : DECAF_TILE_ROWS;
    for (size_t i = 0; i < width; i++) {
      floats x;
      __builtin_memcpy(&x, sums + 16 * i, sizeof x);
      x += (floats)biases[o + i];
      x = x < floor ? floor : x;
      for (size_t r = 0; r < in_tile; r++) output[(row + r) * pitch + o + i] = x[r];
    }
  }
}

static void inner_product(const decaf_inner_product *p, const uint16_t *packed, size_t count,
                          size_t first, size_t end, float *sums, float *output, size_t pitch,
                          int rectify) {
  const size_t depth = p->depth;
  _Alignas(64) uint16_t split[2][2 * TILE_NUMBERS];
  TILES_BEGIN(16);
  for (size_t group = 0; group < count; group += GROUP_ROWS) {
    const size_t tiles = group_tiles(count - group);
    for (size_t k = 0; k < depth; k += SLAB_STEPS * STEP) {
      const size_t slab_end = depth - k < SLAB_STEPS * STEP ? depth : k + SLAB_STEPS * STEP;
      for (size_t o = first; o < end; o += 16) {
        const size_t width = end - o < 16 ? end - o : 16;
        const unaligned_float *rows[16];
        for (size_t r = 0; r < 16; r++) {
          rows[r] = (const unaligned_float *)p->weights + (o + (r < width ? r : width - 1)) * depth;
        }
        float *block = sums + o / 16 * GROUP_TILES * TILE_FLOATS;
        const uint16_t *inputs = packed;
        FOR_EACH_TILE(BEGIN_SUMS)
        // The same terms of the next outputs are fetched on the way.
        FOR_EACH_TILE(SPLIT_FIRST)
        for (size_t i = k; i < slab_end; i += STEP, inputs += 2 * tiles * TILE_NUMBERS) {
          const uint16_t *step = split[i / STEP % 2];
          uint16_t *next = split[(i / STEP + 1) % 2];
          TILE_LOAD(4, step, TILE_BYTES);
          TILE_LOAD(5, step + TILE_NUMBERS, TILE_BYTES);
          FOR_EACH_TILE(ADD_PRODUCTS)
        }
        FOR_EACH_TILE(KEEP_SUMS)
        if (slab_end == depth) {
          finish_rows(block, p->biases, o, width, group, count, output, pitch, rectify);
        }
      }
      packed += (slab_end - k + STEP - 1) / STEP * 2 * tiles * TILE_NUMBERS;
    }
  }
  TILES_END;
}

static const decaf_bfloat16_kernels bfloat16_kernels = {
    .pack_map = pack_map,
    .convolve = convolve,
    .pack_rows = pack_rows,
    .inner_product = inner_product,
};
