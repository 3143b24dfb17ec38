// Minimal filtering: tiles of a map to points, a product a point, points to tiles of the output.
//
// Both transforms are separable: first along the rows of a tile, then along its columns, each time
// for as many lines as the tile has, with vectors of neighbouring channels.

/// Transforms `count` lines: line l's elements are `step` floats apart, from `line` · l on.
typedef void input_lines_function(const float *from, size_t step, size_t line, float *to,
                                  size_t to_step, size_t to_line, size_t count);

/// As above; `bias` is added, and what is below `floor` replaced by it.
typedef void output_lines_function(const float *from, size_t step, size_t line, float *to,
                                   size_t to_step, size_t to_line, size_t count, vector bias,
                                   vector floor);

#define INPUT_LINES(NAME, COUNT)                                                                \
  static void input_lines_##NAME##_##COUNT(const float *from, size_t step, size_t line,         \
                                           float *to, size_t to_step, size_t to_line,           \
                                           size_t count) {                                      \
    for (size_t l = 0; l < count; l++, from += line, to += to_line) {                           \
      vector d[COUNT], v[COUNT];                                                                \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        d[i] = load(from + i * step);                                                           \
      }                                                                                         \
      input_##NAME##_##COUNT(d, v);                                                             \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        store(to + i * to_step, v[i]);                                                          \
        __builtin_prefetch(to + i * to_step + 2*VECTOR_WIDTH, 1, 3);   \
      }                                                                                         \
    }                                                                                           \
  }

#define OUTPUT_LINES(NAME, OUTPUTS, COUNT)                                                      \
  static void output_lines_##NAME##_##OUTPUTS##_##COUNT(                                        \
      const float *from, size_t step, size_t line, float *to, size_t to_step, size_t to_line,   \
      size_t count, vector bias, vector floor) {                                                \
    for (size_t l = 0; l < count; l++, from += line, to += to_line) {                           \
      vector v[COUNT], y[OUTPUTS];                                                              \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < COUNT; i++) {                   \
        v[i] = load(from + i * step);                                                           \
      }                                                                                         \
      output_##NAME##_##OUTPUTS##_##COUNT(v, y);                                                \
      _Pragma("clang loop unroll(full)") for (size_t i = 0; i < OUTPUTS; i++) {                 \
        store(to + i * to_step, larger(y[i] + bias, floor));                                    \
        __builtin_prefetch(to + (i + OUTPUTS) * to_step, 1, 3);   \
      }                                                                                         \
    }                                                                                           \
  }

/// A tile along one axis: `outputs` from `points` inputs.
typedef struct {
  size_t outputs;
  size_t points;
  input_lines_function *input;
  output_lines_function *output;
} tile;

/// The large tile and the small one.
typedef struct {
  tile tiles[2];
} scheme;

#define TILE(NAME, OUTPUTS, COUNT)                                                              \
  { OUTPUTS, COUNT, input_lines_##NAME##_##COUNT, output_lines_##NAME##_##OUTPUTS##_##COUNT }
#define SCHEME(NAME, LARGE, SMALL, LARGE_COUNT, SMALL_COUNT)                                    \
  { { TILE(NAME, LARGE, LARGE_COUNT), TILE(NAME, SMALL, SMALL_COUNT) } }

#include "transforms.h"

enum { MOST_POINTS = 8 };

/// Calls `BODY` for every tile: `y`, `x` are its first output, `row` and `column` its kinds.
#define FOR_EACH_TILE(T, BODY)                                                                  \
  {                                                                                             \
    const scheme *kinds = &schemes[(T)->scheme];                                                \
    size_t number = 0;                                                                          \
    for (size_t i = 0, y = 0; i < (T)->rows; i++) {                                             \
      const tile *row = &kinds->tiles[i >= (T)->large_rows];                                    \
      for (size_t j = 0, x = 0; j < (T)->columns; j++, number++) {                              \
        const tile *column = &kinds->tiles[j >= (T)->large_columns];                            \
        BODY;                                                                                   \
        x += column->outputs;                                                                   \
      }                                                                                         \
      y += row->outputs;                                                                        \
    }                                                                                           \
  }

static void winograd_inputs(const decaf_tiling *t, const float *input, size_t pitch, size_t pixel,
                            float *points) {
  const size_t side = schemes[t->scheme].tiles[0].points;
  FOR_EACH_TILE(t, {
    const float *corner = input + y * pitch + x * pixel;
    float *target = points + number * t->channels;
    for (size_t c = 0; c < t->channels; c += VECTOR_WIDTH) {
      _Alignas(64) float lines[MOST_POINTS * MOST_POINTS * VECTOR_WIDTH];
      row->input(corner + c, pitch, pixel, lines, MOST_POINTS * VECTOR_WIDTH, VECTOR_WIDTH,
                 column->points);
      column->input(lines, VECTOR_WIDTH, MOST_POINTS * VECTOR_WIDTH, target + c, t->input_step,
                    side * t->input_step, row->points);
    }
  })
}

static void winograd_products(const decaf_tiling *t, const float *points, const float *weights,
                              size_t panels, const decaf_rows *rows, float *sums) {
  const size_t side = schemes[t->scheme].tiles[0].points;
  const size_t panel_floats = t->channels * PANEL_WIDTH;
  for (size_t i = 0; i < side; i++) {
    for (size_t j = 0; j < side; j++) {
      const size_t point = i * side + j;
      // Only large tiles have the last point.
      const decaf_rows *chosen = &rows[2 * (i + 1 == side) + (j + 1 == side)];
      if (chosen->count == 0) {
        weights += panels * panel_floats;
        continue;
      }
      const size_t block_count = (chosen->count + BLOCK_ROWS - 1) / BLOCK_ROWS;
      // Every block fetches its share of the next point's inputs and weights.
      lookahead next = {
          .inputs = (const char *)(points + (point + 1) * t->input_step),
          .panel = (const char *)(weights + panels * panel_floats),
      };
      const size_t shares = panels * block_count * 64;
      const size_t input_share = t->input_step * sizeof(float) / shares * 64;
      const size_t panel_share = panels * panel_floats * sizeof(float) / shares * 64;
      for (size_t panel = 0; panel < panels; panel++, weights += panel_floats) {
        size_t row = 0;
        for (size_t b = 1; b <= block_count; b++) {
          const size_t row_end = chosen->count * b / block_count;
          panel_blocks[row_end - row](
              weights, t->channels, points + point * t->input_step, chosen->input_rows + row,
              sums + panel * t->panel_step + point * t->output_step, chosen->output_rows + row, 0,
              next);
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
  const size_t side = schemes[t->scheme].tiles[0].points;
  const vector none = splat(-__builtin_inff()), floor = rectify ? splat(0) : none;
  FOR_EACH_TILE(t, {
    const float *source = sums + number * PANEL_WIDTH;
    float *corner = output + y * pitch + x * pixel;
    for (size_t o = 0; o < PANEL_WIDTH && o < width; o += VECTOR_WIDTH) {
      _Alignas(64) float lines[MOST_POINTS * MOST_POINTS * VECTOR_WIDTH];
      row->output(source + o, side * t->output_step, t->output_step, lines,
                  MOST_POINTS * VECTOR_WIDTH, VECTOR_WIDTH, column->points, splat(0), none);
      const vector bias = load(biases + o);
      if (o + VECTOR_WIDTH <= width) {
        column->output(lines, VECTOR_WIDTH, MOST_POINTS * VECTOR_WIDTH, corner + o, pixel, pitch,
                       row->outputs, bias, floor);
      } else {
        _Alignas(64) float part[MOST_POINTS * MOST_POINTS * VECTOR_WIDTH];
        column->output(lines, VECTOR_WIDTH, MOST_POINTS * VECTOR_WIDTH, part, VECTOR_WIDTH,
                       MOST_POINTS * VECTOR_WIDTH, row->outputs, bias, floor);
        for (size_t v = 0; v < row->outputs; v++) {
          for (size_t u = 0; u < column->outputs; u++) {
            store_part(corner + v * pitch + u * pixel + o,
                       part + (v * MOST_POINTS + u) * VECTOR_WIDTH, width - o);
          }
        }
      }
    }
  })
}
