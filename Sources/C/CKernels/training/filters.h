// Minimal filtering backward: what the loss changes with the weights; see network/winograd.h for the
// way forward, and `include/filters.h`. In its letters, with δ for what the loss changes with Y,
//
//   Y = Aᵀ [Σ_c (G g Gᵀ) ⊙ (Bᵀ d B)] A   gives   ∂g = Gᵀ [Σ_tiles (A δ Aᵀ) ⊙ (Bᵀ d B)] G:
//
// at each point a product of outputs × tiles with tiles × channels, a quarter to an eighth of the
// multiplications of plain products. V is that of the way forward, for weights do not enter.

#include "../include/filters.h"

#include "../network/weight_transforms.h"

// Passes as in network/winograd.h, along the height and then along the width.

#define DELTA_LINES(NAME, OUTPUTS, COUNT)                                                       \
  INLINE void delta_lines_##NAME##_##OUTPUTS##_##COUNT(                                         \
      const float *from, size_t step, size_t line, float *to, size_t to_step, size_t to_line,   \
      size_t count) {                                                                           \
    for (size_t l = 0; l < count; l++, from += line, to += to_line) {                           \
      vector y[OUTPUTS], v[COUNT];                                                              \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < OUTPUTS; i++) {                 \
        y[i] = load(from + i * step);                                                           \
      }                                                                                         \
      delta_##NAME##_##OUTPUTS##_##COUNT(y, v);                                                 \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        store(to + i * to_step, v[i]);                                                          \
      }                                                                                         \
    }                                                                                           \
  }

#define DELTA_TILE(NAME, HEIGHT, LINES, WIDTH, COLUMNS)                                         \
  static void delta_tile_##NAME##_##LINES##_##COLUMNS(                                          \
      const float *tile, size_t pitch, size_t pixel, float *transformed, size_t line,           \
      size_t step) {                                                                            \
    _Alignas(64) float passed[MOST_POINTS * LINE];                                              \
    /* A δ, along the height. */                                                                \
    delta_lines_##NAME##_##HEIGHT##_##LINES(tile, pitch, pixel, passed, LINE, POINT, WIDTH);    \
    /* (A δ) Aᵀ, along the width. */                                                            \
    delta_lines_##NAME##_##WIDTH##_##COLUMNS(passed, POINT, LINE, transformed, step, line,      \
                                             LINES);                                            \
  }

#define DELTA_TILES(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT)                               \
  DELTA_TILE(NAME, LARGE, LARGE_COUNT, LARGE, LARGE_COUNT)                                      \
  DELTA_TILE(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT)                                      \
  DELTA_TILE(NAME, SMALL, SMALL_COUNT, LARGE, LARGE_COUNT)                                      \
  DELTA_TILE(NAME, SMALL, SMALL_COUNT, SMALL, SMALL_COUNT)

/// ∂g of a vector of channels from its sums at all points.
typedef void filter_function(const float *sums, size_t point_step, float *gradient,
                             size_t place_step);

#define FILTER(NAME, COUNT, WEIGHTS)                                                            \
  static void filter_tile_##NAME##_##WEIGHTS(const float *sums, size_t point_step,              \
                                             float *gradient, size_t place_step) {              \
    vector passed[COUNT][WEIGHTS];                                                              \
    /* Gᵀ M, along the height: of each column of points. */                                     \
    for (size_t j = 0; j < COUNT; j++) {                                                        \
      vector u[COUNT];                                                                          \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        u[i] = load(sums + (i * COUNT + j) * point_step);                                       \
      }                                                                                         \
      filter_##NAME##_##WEIGHTS(u, passed[j]);                                                  \
    }                                                                                           \
    /* (Gᵀ M) G, along the width. */                                                            \
    for (size_t y = 0; y < WEIGHTS; y++) {                                                      \
      vector u[COUNT], g[WEIGHTS];                                                              \
      _Pragma("clang loop unroll(full)") for (size_t j = 0; j < COUNT; j++) u[j] = passed[j][y];\
      filter_##NAME##_##WEIGHTS(u, g);                                                          \
      _Pragma("clang loop unroll(full)") for (size_t x = 0; x < WEIGHTS; x++) {                 \
        store(gradient + (y * WEIGHTS + x) * place_step, g[x]);                                 \
      }                                                                                         \
    }                                                                                           \
  }

/// The transforms of a scheme's tiles, by the kind in height, in width, and of its filters.
typedef struct {
  input_tile_function *delta[2][2];
  filter_function *filter;
} gradient_scheme;

#define GRADIENTS(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT, WEIGHTS)                        \
  {PAIRS(delta_tile_##NAME, LARGE_COUNT, SMALL_COUNT), filter_tile_##NAME##_##WEIGHTS}

#include "filter_transforms.h"

static void filter_inputs(const decaf_tile_columns *t, const float *input, size_t pitch,
                          size_t pixel, float *transformed) {
  const scheme *kinds = &schemes[t->scheme];
  const size_t line = kinds->tiles[0].points * t->point_step;
  FOR_EACH_TILE(t, kinds, {
    const float *corner = input + y * pitch + x * pixel;
    float *target = transformed + number * VECTOR_WIDTH;
    for (size_t c = 0; c < t->channels; c += VECTOR_WIDTH, target += t->column_step) {
      kinds->input[v][h](corner + c, pitch, pixel, target, line, t->point_step);
    }
  })
}

static void filter_deltas(const decaf_tile_columns *t, const float *delta, size_t pitch,
                          size_t pixel, float *transformed) {
  const scheme *kinds = &schemes[t->scheme];
  const size_t line = kinds->tiles[0].points * t->point_step;
  FOR_EACH_TILE(t, kinds, {
    const float *corner = delta + y * pitch + x * pixel;
    float *target = transformed + number * VECTOR_WIDTH;
    for (size_t c = 0; c < t->channels; c += VECTOR_WIDTH, target += t->column_step) {
      gradient_schemes[t->scheme].delta[v][h](corner + c, pitch, pixel, target, line,
                                              t->point_step);
    }
  })
}

/// Rows and vectors of a block of sums, which stay in registers with a row's vectors and a broadcast
/// number: 32 of AVX-512, 16 of the others, NEON among them, whose vectors are narrow.
enum { FILTER_ROWS = VECTOR_WIDTH == 16 ? 8 : 4, FILTER_VECTORS = 3 };

/// `vectors` is a constant wherever this is inlined.
INLINE void filter_block(const size_t vectors, const float *deltas, const float *inputs,
                         size_t input_step, const int32_t *tiles, size_t count, float *sums,
                         size_t pitch, int continues) {
  vector block[FILTER_ROWS][FILTER_VECTORS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < FILTER_ROWS; r++) {
#pragma clang loop unroll(full)
    for (size_t c = 0; c < vectors; c++) {
      block[r][c] = continues ? load(sums + r * pitch + c * VECTOR_WIDTH) : splat(0);
    }
  }
  for (size_t t = 0; t < count; t++) {
    const size_t at = (size_t)tiles[t];
    vector v[FILTER_VECTORS];
#pragma clang loop unroll(full)
    for (size_t c = 0; c < vectors; c++) v[c] = load(inputs + c * input_step + at);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < FILTER_ROWS; r++) {
      const vector d = splat(deltas[at + r]);
#pragma clang loop unroll(full)
      for (size_t c = 0; c < vectors; c++) block[r][c] = multiply_add(d, v[c], block[r][c]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < FILTER_ROWS; r++) {
#pragma clang loop unroll(full)
    for (size_t c = 0; c < vectors; c++) {
      store(sums + r * pitch + c * VECTOR_WIDTH, block[r][c]);
    }
  }
}

static void filter_products(const float *deltas, size_t delta_step, size_t outputs,
                            const float *inputs, size_t input_step, size_t channels,
                            const int32_t *tiles, size_t count, float *sums, size_t pitch,
                            int continues) {
  const size_t columns = channels / VECTOR_WIDTH;
  const size_t blocks = (columns + FILTER_VECTORS - 1) / FILTER_VECTORS;
  size_t first = 0;
  for (size_t b = 1; b <= blocks; b++) {
    // Even parts: a last one of a single vector would leave the units idle.
    const size_t end = columns * b / blocks;
    const float *v = inputs + first * input_step;
    for (size_t o = 0; o < outputs; o += FILTER_ROWS) {
      const float *d = deltas + o / VECTOR_WIDTH * delta_step + o % VECTOR_WIDTH;
      float *target = sums + o * pitch + first * VECTOR_WIDTH;
      switch (end - first) {
      case 3: filter_block(3, d, v, input_step, tiles, count, target, pitch, continues); break;
      case 2: filter_block(2, d, v, input_step, tiles, count, target, pitch, continues); break;
      default: filter_block(1, d, v, input_step, tiles, count, target, pitch, continues);
      }
    }
    first = end;
  }
}

static void filter_gradient(int32_t scheme, const float *sums, size_t point_step, size_t pitch,
                            size_t outputs, size_t channels, float *gradient, size_t output_step,
                            size_t place_step) {
  filter_function *filter = gradient_schemes[scheme].filter;
  for (size_t o = 0; o < outputs; o++) {
    for (size_t c = 0; c < channels; c += VECTOR_WIDTH) {
      filter(sums + o * pitch + c, point_step, gradient + o * output_step + c, place_step);
    }
  }
}

/// As many doubles as a vector has floats; two vectors to the machine.
typedef double wide_vector __attribute__((ext_vector_type(VECTOR_WIDTH)));

/// Stores to memory that is not read soon: past the caches where a vector is a whole line of theirs.
///
/// Panels begin at multiples of 64 bytes and are multiples of a vector wide.
INLINE void store_line(float *to, vector v) {
#if VECTOR_BYTES == 64
  __builtin_nontemporal_store(v, (vector *)to);
#else
  store(to, v);
#endif
}

/// U of a vector of outputs, `n` × `n` from `r` × `r` numbers; `r` is a constant wherever this is
/// inlined. Products and sums in the order of network/winograd.c.
INLINE void transform_weights(const size_t r, const size_t n, const double *matrix,
                              const float *weights, ptrdiff_t place_step, float *transformed,
                              size_t point_step) {
  enum { MOST_WEIGHTS = 5 };
  wide_vector g[MOST_WEIGHTS * MOST_WEIGHTS];
  for (size_t i = 0; i < r * r; i++) {
    g[i] = __builtin_convertvector(load(weights + (ptrdiff_t)i * place_step), wide_vector);
  }
  for (size_t i = 0; i < n; i++) {
    // A line of G g, along the height; then that line of (G g) Gᵀ, along the width.
    wide_vector line[MOST_WEIGHTS];
#pragma clang loop unroll(full)
    for (size_t x = 0; x < r; x++) {
      line[x] = (wide_vector)(0);
#pragma clang loop unroll(full)
      for (size_t y = 0; y < r; y++) line[x] += (wide_vector)(matrix[i * r + y]) * g[y * r + x];
    }
    for (size_t j = 0; j < n; j++) {
      wide_vector sum = (wide_vector)(0);
#pragma clang loop unroll(full)
      for (size_t x = 0; x < r; x++) sum += line[x] * (wide_vector)(matrix[j * r + x]);
      store_line(transformed + (i * n + j) * point_step, __builtin_convertvector(sum, vector));
    }
  }
}

static void filter_weights(int32_t scheme, const float *weights, ptrdiff_t place_step,
                           size_t channel_step, size_t outputs, size_t channels,
                           size_t panel_width, float *transformed, size_t point_step) {
  const weight_transform *t = &weight_transforms[scheme];
  const size_t r = t->weights, n = t->outputs + r - 1;
  for (size_t c = 0; c < channels; c++) {
    for (size_t o = 0; o < panel_width; o += VECTOR_WIDTH) {
      const float *from = weights + c * channel_step + o;
      ptrdiff_t step = place_step;
      _Alignas(64) float part[MOST_POINTS * MOST_POINTS * VECTOR_WIDTH];
      if (o + VECTOR_WIDTH > outputs) {
        // The panel's outputs end within the vector, or before it.
        for (size_t i = 0; i < r * r; i++) {
          for (size_t l = 0; l < VECTOR_WIDTH; l++) {
            part[i * VECTOR_WIDTH + l] = o + l < outputs ? from[(ptrdiff_t)i * place_step + l] : 0;
          }
        }
        from = part;
        step = VECTOR_WIDTH;
      }
      float *to = transformed + c * panel_width + o;
      if (r == 3) {
        transform_weights(3, n, t->matrix, from, step, to, point_step);
      } else {
        transform_weights(5, n, t->matrix, from, step, to, point_step);
      }
    }
  }
}
