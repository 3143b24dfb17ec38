// The micro-kernel of every product: up to BLOCK_ROWS rows times a panel of PANEL_WIDTH columns, the
// sums in registers, the rows' numbers broadcast from where they lie.

/// Weights may lie anywhere in a mapped file.
typedef float unaligned_float __attribute__((aligned(1)));

/// Depths are multiples of this: a cache line of a row.
enum { DEPTH_STEP = 16 };

/// What to fetch into the second cache while a block runs: what is read after it. Passed by its
/// address: loading what was stored in parts would wait for all stores before it.
typedef struct {
  /// Rows at a distance: as many floats of each as the block is deep. Without the streams.
  const unaligned_float *rows;
  size_t row_pitch, row_count;
  /// A stream of rows that touch.
  const char *inputs;
  /// A panel, or part of one.
  const char *panel;
} lookahead;

/// What a block fetches of `lookahead`: the rows; of both streams its share, where a few blocks
/// together fetch all that is to come; or the whole panel, where a block has it for itself.
typedef enum { FETCH_ROWS, FETCH_SHARE, FETCH_PANEL } fetching;

/// Cache lines of a stream that are fetched in four steps of the depth: a share, a whole panel.
enum { SHARED_LINES = PANEL_WIDTH / 16 ? PANEL_WIDTH / 16 : 1, PANEL_LINES = PANEL_WIDTH / 4 };

/// output[r][c] = Σ row[r][k] · panel[k][c]: one chain of multiply-adds from zero, or from what the
/// output holds if `continues`. `row_count` and `fetched` are constants wherever this is inlined.
INLINE void panel_block(const size_t row_count, const fetching fetched, const float *panel,
                        size_t depth, const unaligned_float *input, const int32_t *input_rows,
                        float *output, const int32_t *output_rows, int continues,
                        const lookahead *next) {
  vector sums[BLOCK_ROWS][2];
  const unaligned_float *rows[BLOCK_ROWS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
    rows[r] = input + input_rows[r];
    const float *start = output + output_rows[r];
    sums[r][0] = continues ? load(start) : splat(0);
    sums[r][1] = continues ? load(start + VECTOR_WIDTH) : splat(0);
  }
  for (size_t k = 0; k < depth; k += 4) {
    if (fetched == FETCH_ROWS && k % DEPTH_STEP == 0) {
      const unaligned_float *row = next->rows + k;
      for (size_t r = 0; r < next->row_count; r++, row += next->row_pitch) {
        __builtin_prefetch(row, 0, 2);
      }
    }
    if (fetched != FETCH_ROWS) {
      const size_t lines = fetched == FETCH_PANEL ? PANEL_LINES : SHARED_LINES;
#pragma clang loop unroll(full)
      for (size_t i = 0; i < SHARED_LINES; i++) {
        __builtin_prefetch(next->inputs + 16 * SHARED_LINES * k + 64 * i, 0, 2);
      }
#pragma clang loop unroll(full)
      for (size_t i = 0; i < lines; i++) {
        __builtin_prefetch(next->panel + 16 * lines * k + 64 * i, 0, 2);
      }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 4; i++, panel += PANEL_WIDTH) {
      const vector p0 = load(panel), p1 = load(panel + VECTOR_WIDTH);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < row_count; r++) {
        const vector x = splat(rows[r][k + i]);
        sums[r][0] = multiply_add(x, p0, sums[r][0]);
        sums[r][1] = multiply_add(x, p1, sums[r][1]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
    store(output + output_rows[r], sums[r][0]);
    store(output + output_rows[r] + VECTOR_WIDTH, sums[r][1]);
  }
}

typedef void panel_function(const float *, size_t, const unaligned_float *, const int32_t *, float *,
                            const int32_t *, int, const lookahead *);

#define PANEL_BLOCK(KIND, FETCHED, ROWS)                                                        \
  static void KIND##_##ROWS(const float *panel, size_t depth, const unaligned_float *input,     \
                            const int32_t *input_rows, float *output,                           \
                            const int32_t *output_rows, int continues, const lookahead *next) { \
    panel_block(ROWS, FETCHED, panel, depth, input, input_rows, output, output_rows, continues, \
                next);                                                                          \
  }
#define PANEL_BLOCKS(ROWS)                     \
  PANEL_BLOCK(row_block, FETCH_ROWS, ROWS)     \
  PANEL_BLOCK(panel_block, FETCH_SHARE, ROWS)  \
  PANEL_BLOCK(lone_block, FETCH_PANEL, ROWS)

#define EACH_ROW_COUNT_TO_4(F) F(1) F(2) F(3) F(4)
#if BLOCK_ROWS == 4
#define EACH_ROW_COUNT(F) EACH_ROW_COUNT_TO_4(F)
#elif BLOCK_ROWS == 6
#define EACH_ROW_COUNT(F) EACH_ROW_COUNT_TO_4(F) F(5) F(6)
#else
#define EACH_ROW_COUNT(F) EACH_ROW_COUNT_TO_4(F) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
#endif

EACH_ROW_COUNT(PANEL_BLOCKS)

#define ROW_BLOCK_NAME(ROWS) row_block_##ROWS,
#define PANEL_BLOCK_NAME(ROWS) panel_block_##ROWS,
#define LONE_BLOCK_NAME(ROWS) lone_block_##ROWS,

/// By the number of rows, for every kind of fetching.
static panel_function *const row_blocks[BLOCK_ROWS + 1] = {0, EACH_ROW_COUNT(ROW_BLOCK_NAME)};
static panel_function *const panel_blocks[BLOCK_ROWS + 1] = {0, EACH_ROW_COUNT(PANEL_BLOCK_NAME)};
static panel_function *const lone_blocks[BLOCK_ROWS + 1] = {0, EACH_ROW_COUNT(LONE_BLOCK_NAME)};
