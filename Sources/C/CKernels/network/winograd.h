// Minimal filtering (A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015,
// section 4.1), in their letters: of a tile's inputs d and a filter's weights g, for each channel c,
//
//   V = Bᵀ d B,   U = G g Gᵀ,   M = Σ_c U ⊙ V,   Y = Aᵀ M A,
//
// n × n numbers each, n = m + r - 1, but for the m × m outputs Y. The element (i, j) of U, V and M
// belongs to the point i of the height and j of the width. Elements do not mix in M, so each point
// is a matrix product of its own: tiles × channels times channels × outputs. U is made once, when
// weights are packed (winograd.c).
//
// Bᵀ d B is two passes of one transform: the first multiplies by Bᵀ from the left, which works
// along the height, a column of the tile after the other; the second by B from the right, along the
// width, a row of the first one's result after the other. The same with A. Vectors are neighbouring
// channels, so no pass ever mixes what is in a vector.

/// V of a tile: the element (l, m) goes to `transformed + l · line + m · step`. `tile` is its first
/// input; lines are `pitch` floats apart, pixels `pixel`.
typedef void input_tile_function(const float *tile, size_t pitch, size_t pixel,
                                 float *transformed, size_t line, size_t step);

/// Y of a tile from its M, which lies as V does: plus `bias`, and what is below `floor` replaced by
/// it.
typedef void output_tile_function(const float *sums, size_t line, size_t step, vector bias,
                                  vector floor, float *tile, size_t pitch, size_t pixel);

enum { MOST_POINTS = 9 };

/// What lies between the two passes: a vector for every element, lines of MOST_POINTS.
enum { POINT = VECTOR_WIDTH, LINE = MOST_POINTS * VECTOR_WIDTH };

// A pass transforms `count` lines: line l's elements are `step` floats apart, from `line` · l on.
// In the first pass, along the height, a line is a column of the tile and a step leads to the pixel
// below; in the second a line is a row and a step leads to the next point. All but the buffers and
// the map's strides are constants where they are inlined. The last pass of a tile fetches what the
// next one will write: the channels after the next, or the tile to the right.

#define INPUT_LINES(NAME, COUNT)                                                                \
  INLINE void input_lines_##NAME##_##COUNT(const float *from, size_t step, size_t line,         \
                                           float *to, size_t to_step, size_t to_line,           \
                                           size_t count, const int is_last) {                   \
    for (size_t l = 0; l < count; l++, from += line, to += to_line) {                           \
      vector d[COUNT], v[COUNT];                                                                \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        d[i] = load(from + i * step);                                                           \
      }                                                                                         \
      input_##NAME##_##COUNT(d, v);                                                             \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        store(to + i * to_step, v[i]);                                                          \
        if (is_last) __builtin_prefetch(to + i * to_step + 2 * VECTOR_WIDTH, 1, 3);             \
      }                                                                                         \
    }                                                                                           \
  }

#define OUTPUT_LINES(NAME, OUTPUTS, COUNT)                                                      \
  INLINE void output_lines_##NAME##_##OUTPUTS##_##COUNT(                                        \
      const float *from, size_t step, size_t line, float *to, size_t to_step, size_t to_line,   \
      size_t count, const int is_last, vector bias, vector floor) {                             \
    for (size_t l = 0; l < count; l++, from += line, to += to_line) {                           \
      vector v[COUNT], y[OUTPUTS];                                                              \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        v[i] = load(from + i * step);                                                           \
      }                                                                                         \
      output_##NAME##_##OUTPUTS##_##COUNT(v, y);                                                \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < OUTPUTS; i++) {                 \
        store(to + i * to_step, is_last ? larger(y[i] + bias, floor) : y[i]);                   \
        if (is_last) __builtin_prefetch(to + (i + OUTPUTS) * to_step, 1, 3);                    \
      }                                                                                         \
    }                                                                                           \
  }

#define INPUT_TILE(NAME, LINES, COLUMNS)                                                        \
  static void input_tile_##NAME##_##LINES##_##COLUMNS(                                          \
      const float *tile, size_t pitch, size_t pixel, float *transformed, size_t line,           \
      size_t step) {                                                                            \
    _Alignas(64) float passed[MOST_POINTS * LINE];                                              \
    /* Bᵀ d, along the height. */                                                               \
    input_lines_##NAME##_##LINES(tile, pitch, pixel, passed, LINE, POINT, COLUMNS, 0);          \
    /* (Bᵀ d) B, along the width. */                                                            \
    input_lines_##NAME##_##COLUMNS(passed, POINT, LINE, transformed, step, line, LINES, 1);     \
  }

#define OUTPUT_TILE(NAME, OUTPUTS, LINES, WIDTH, COLUMNS)                                       \
  static void output_tile_##NAME##_##LINES##_##COLUMNS(                                         \
      const float *sums, size_t line, size_t step, vector bias, vector floor, float *tile,      \
      size_t pitch, size_t pixel) {                                                             \
    _Alignas(64) float passed[MOST_POINTS * LINE];                                              \
    /* Aᵀ M, along the height. */                                                               \
    output_lines_##NAME##_##OUTPUTS##_##LINES(sums, line, step, passed, LINE, POINT, COLUMNS,   \
                                              0, bias, floor);                                  \
    /* (Aᵀ M) A, along the width, with bias. */                                                 \
    output_lines_##NAME##_##WIDTH##_##COLUMNS(passed, POINT, LINE, tile, pixel, pitch, OUTPUTS, \
                                              1, bias, floor);                                  \
  }

/// A scheme's large tile and its small one, and their transforms: by the kind in height, in width.
typedef struct {
  struct {
    size_t outputs;
    size_t points;
  } tiles[2];
  input_tile_function *input[2][2];
  output_tile_function *output[2][2];
} scheme;

#define TILES(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT)                                     \
  INPUT_TILE(NAME, LARGE_COUNT, LARGE_COUNT)                                                    \
  INPUT_TILE(NAME, LARGE_COUNT, SMALL_COUNT)                                                    \
  INPUT_TILE(NAME, SMALL_COUNT, LARGE_COUNT)                                                    \
  INPUT_TILE(NAME, SMALL_COUNT, SMALL_COUNT)                                                    \
  OUTPUT_TILE(NAME, LARGE, LARGE_COUNT, LARGE, LARGE_COUNT)                                     \
  OUTPUT_TILE(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT)                                     \
  OUTPUT_TILE(NAME, SMALL, SMALL_COUNT, LARGE, LARGE_COUNT)                                     \
  OUTPUT_TILE(NAME, SMALL, SMALL_COUNT, SMALL, SMALL_COUNT)

#define PAIRS(FUNCTION, LARGE, SMALL)                                                           \
  {{FUNCTION##_##LARGE##_##LARGE, FUNCTION##_##LARGE##_##SMALL},                                \
   {FUNCTION##_##SMALL##_##LARGE, FUNCTION##_##SMALL##_##SMALL}}

#define SCHEME(NAME, LARGE, LARGE_COUNT, SMALL, SMALL_COUNT)                                    \
  {{{LARGE, LARGE_COUNT}, {SMALL, SMALL_COUNT}},                                                \
   PAIRS(input_tile_##NAME, LARGE_COUNT, SMALL_COUNT),                                          \
   PAIRS(output_tile_##NAME, LARGE_COUNT, SMALL_COUNT)}

#include "transforms.h"

/// Calls `BODY` for every tile: `y`, `x` are its first output, `v` and `h` its kinds in height and
/// width.
#define FOR_EACH_TILE(T, KINDS, BODY)                                                           \
  {                                                                                             \
    size_t number = 0;                                                                          \
    for (size_t i = 0, y = 0; i < (T)->rows; i++) {                                             \
      const size_t v = i >= (T)->large_rows;                                                    \
      for (size_t j = 0, x = 0; j < (T)->columns; j++, number++) {                              \
        const size_t h = j >= (T)->large_columns;                                               \
        BODY;                                                                                   \
        x += (KINDS)->tiles[h].outputs;                                                         \
      }                                                                                         \
      y += (KINDS)->tiles[v].outputs;                                                           \
    }                                                                                           \
  }

static void winograd_inputs(const decaf_tiling *t, const float *input, size_t pitch, size_t pixel,
                            float *transformed) {
  const scheme *kinds = &schemes[t->scheme];
  const size_t line = kinds->tiles[0].points * t->input_step;
  FOR_EACH_TILE(t, kinds, {
    const float *corner = input + y * pitch + x * pixel;
    float *target = transformed + number * t->channels;
    for (size_t c = 0; c < t->channels; c += VECTOR_WIDTH) {
      kinds->input[v][h](corner + c, pitch, pixel, target + c, line, t->input_step);
    }
  })
}

static void winograd_products(const decaf_tiling *t, const float *transformed,
                              const float *weights, size_t panels, const decaf_rows *rows,
                              float *sums) {
  const size_t side = schemes[t->scheme].tiles[0].points;
  const size_t vectors = t->panel_width / VECTOR_WIDTH, largest_block = most_rows(vectors);
  const size_t panel_floats = t->channels * t->panel_width;
  for (size_t i = 0; i < side; i++) {
    for (size_t j = 0; j < side; j++) {
      const size_t point = i * side + j;
      // Only large tiles have the last point of an axis: a small tile's points are the others.
      const decaf_rows *chosen = &rows[2 * (i + 1 == side) + (j + 1 == side)];
      if (chosen->count == 0) {
        weights += panels * panel_floats;
        continue;
      }
      const size_t block_count = (chosen->count + largest_block - 1) / largest_block;
      // Every block fetches its share of the next point's inputs and weights.
      lookahead next = {
          .inputs = (const char *)(transformed + (point + 1) * t->input_step),
          .panel = (const char *)(weights + panels * panel_floats),
      };
      const size_t shares = panels * block_count * 64;
      const size_t input_share = t->input_step * sizeof(float) / shares * 64;
      const size_t panel_share = panels * panel_floats * sizeof(float) / shares * 64;
      next.panel_lines = (t->panel_width / 4 + block_count - 1) / block_count;
      panel_function *const *blocks =
          next.panel_lines > SHARED_LINES ? lone_blocks[vectors] : panel_blocks[vectors];
      for (size_t panel = 0; panel < panels; panel++, weights += panel_floats) {
        size_t row = 0;
        for (size_t b = 1; b <= block_count; b++) {
          const size_t row_end = chosen->count * b / block_count;
          blocks[row_end - row](
              weights, t->channels, transformed + point * t->input_step, chosen->input_rows + row,
              sums + panel * t->panel_step + point * t->output_step, chosen->output_rows + row, 0,
              &next);
          next.inputs += input_share;
          next.panel += panel_share;
          row = row_end;
        }
      }
    }
  }
}

/// The first `width` floats of a vector.
INLINE void store_part(float *to, const float *from, size_t width) {
  for (size_t i = 0; i < width; i++) to[i] = from[i];
}

static void winograd_outputs(const decaf_tiling *t, const float *sums, const float *biases,
                             float *output, size_t pitch, size_t pixel, size_t width,
                             int rectify) {
  const scheme *kinds = &schemes[t->scheme];
  const size_t line = kinds->tiles[0].points * t->output_step;
  const vector floor = splat(rectify ? 0 : -__builtin_inff());
  FOR_EACH_TILE(t, kinds, {
    const float *source = sums + number * t->panel_width;
    float *corner = output + y * pitch + x * pixel;
    output_tile_function *transform = kinds->output[v][h];
    for (size_t o = 0; o < t->panel_width && o < width; o += VECTOR_WIDTH) {
      const vector bias = load(biases + o);
      if (o + VECTOR_WIDTH <= width) {
        transform(source + o, line, t->output_step, bias, floor, corner + o, pitch, pixel);
        continue;
      }
      _Alignas(64) float part[MOST_POINTS * LINE];
      transform(source + o, line, t->output_step, bias, floor, part, LINE, POINT);
      for (size_t l = 0; l < kinds->tiles[v].outputs; l++) {
        for (size_t u = 0; u < kinds->tiles[h].outputs; u++) {
          store_part(corner + l * pitch + u * pixel + o, part + l * LINE + u * POINT, width - o);
        }
      }
    }
  })
}
