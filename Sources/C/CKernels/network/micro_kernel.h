// The micro-kernel of every product: some rows times a panel, which is 1 to PANEL_VECTORS vectors
// wide. The sums stay in registers, the rows' numbers are broadcast from where they lie.
//
// R rows times V vectors take R + V loads for R · V multiply-adds: the nearer to a square, the less
// the loads matter. A block is bounded by the registers: R · V of sums, V of the panel and one for
// the broadcast number must not exceed the 32 of AVX-512 and NEON, the 16 of AVX2 and the baseline.
// It has to be large too: a multiply-add takes four or so cycles and two can start in each, so
// fewer than eight sums, which do not wait for each other, leave the units idle.
//
// A sum is never cut into parts that are added later, though that would hide the latency of small
// blocks: its bits would depend on the block.

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
  /// A panel, or part of one, and for lone blocks how many lines in four steps of the depth.
  const char *panel;
  size_t panel_lines;
} lookahead;

/// What a block fetches of `lookahead`: the rows; or of both streams its share. Many blocks fetch
/// SHARED_LINES each, lone ones as many as it takes.
typedef enum { FETCH_ROWS, FETCH_SHARE, FETCH_LONE } fetching;

/// Cache lines of a stream that are fetched in four steps of the depth.
enum { SHARED_LINES = VECTOR_WIDTH / 8 ? VECTOR_WIDTH / 8 : 1 };

/// output[r][c] = Σ row[r][k] · panel[k][c]: one chain of multiply-adds from zero, or from what the
/// output holds if `continues`. `vectors`, `row_count` and `fetched` are constants wherever this is
/// inlined.
INLINE void panel_block(const size_t vectors, const size_t row_count, const fetching fetched,
                        const float *panel, size_t depth, const unaligned_float *input,
                        const int32_t *input_rows, float *output, const int32_t *output_rows,
                        int continues, const lookahead *next) {
  vector sums[BLOCK_ROWS][PANEL_VECTORS];
  const unaligned_float *rows[BLOCK_ROWS];
#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
    rows[r] = input + input_rows[r];
    const float *start = output + output_rows[r];
#pragma clang loop unroll(full)
    for (size_t c = 0; c < vectors; c++) {
      sums[r][c] = continues ? load(start + c * VECTOR_WIDTH) : splat(0);
    }
  }
  for (size_t k = 0; k < depth; k += 4) {
    if (fetched == FETCH_ROWS && k % DEPTH_STEP == 0) {
      const unaligned_float *row = next->rows + k;
      for (size_t r = 0; r < next->row_count; r++, row += next->row_pitch) {
        __builtin_prefetch(row, 0, 2);
      }
    }
    if (fetched != FETCH_ROWS) {
#pragma clang loop unroll(full)
      for (size_t i = 0; i < SHARED_LINES; i++) {
        __builtin_prefetch(next->inputs + 16 * SHARED_LINES * k + 64 * i, 0, 2);
        if (fetched == FETCH_SHARE) {
          __builtin_prefetch(next->panel + 16 * SHARED_LINES * k + 64 * i, 0, 2);
        }
      }
    }
    if (fetched == FETCH_LONE) {
      const char *lines = next->panel + 16 * next->panel_lines * k;
      for (size_t i = 0; i < next->panel_lines; i++) __builtin_prefetch(lines + 64 * i, 0, 2);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 4; i++, panel += vectors * VECTOR_WIDTH) {
      vector p[PANEL_VECTORS];
#pragma clang loop unroll(full)
      for (size_t c = 0; c < vectors; c++) p[c] = load(panel + c * VECTOR_WIDTH);
#pragma clang loop unroll(full)
      for (size_t r = 0; r < row_count; r++) {
        const vector x = splat(rows[r][k + i]);
#pragma clang loop unroll(full)
        for (size_t c = 0; c < vectors; c++) sums[r][c] = multiply_add(x, p[c], sums[r][c]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (size_t r = 0; r < row_count; r++) {
#pragma clang loop unroll(full)
    for (size_t c = 0; c < vectors; c++) {
      store(output + output_rows[r] + c * VECTOR_WIDTH, sums[r][c]);
    }
  }
}

typedef void panel_function(const float *, size_t, const unaligned_float *, const int32_t *, float *,
                            const int32_t *, int, const lookahead *);

#define PANEL_BLOCK(KIND, FETCHED, VECTORS, ROWS)                                               \
  static void KIND##_##VECTORS##_##ROWS(                                                        \
      const float *panel, size_t depth, const unaligned_float *input,                           \
      const int32_t *input_rows, float *output, const int32_t *output_rows, int continues,      \
      const lookahead *next) {                                                                  \
    panel_block(VECTORS, ROWS, FETCHED, panel, depth, input, input_rows, output, output_rows,   \
                continues, next);                                                               \
  }
#define PANEL_BLOCKS(VECTORS, ROWS)                     \
  PANEL_BLOCK(row_block, FETCH_ROWS, VECTORS, ROWS)     \
  PANEL_BLOCK(panel_block, FETCH_SHARE, VECTORS, ROWS)  \
  PANEL_BLOCK(lone_block, FETCH_LONE, VECTORS, ROWS)

/// For EACH_BLOCK: blocks of up to so many rows.
#define TO_4_ROWS(F, VECTORS) F(VECTORS, 1) F(VECTORS, 2) F(VECTORS, 3) F(VECTORS, 4)
#define TO_6_ROWS(F, VECTORS) TO_4_ROWS(F, VECTORS) F(VECTORS, 5) F(VECTORS, 6)
#define TO_8_ROWS(F, VECTORS) TO_6_ROWS(F, VECTORS) F(VECTORS, 7) F(VECTORS, 8)
#define TO_12_ROWS(F, VECTORS) \
  TO_8_ROWS(F, VECTORS) F(VECTORS, 9) F(VECTORS, 10) F(VECTORS, 11) F(VECTORS, 12)

EACH_BLOCK(PANEL_BLOCKS)

/// By the vectors of the panel and the number of rows.
typedef panel_function *panel_table[PANEL_VECTORS + 1][BLOCK_ROWS + 1];

#define ROW_BLOCK_ENTRY(VECTORS, ROWS) [VECTORS][ROWS] = row_block_##VECTORS##_##ROWS,
#define PANEL_BLOCK_ENTRY(VECTORS, ROWS) [VECTORS][ROWS] = panel_block_##VECTORS##_##ROWS,
#define LONE_BLOCK_ENTRY(VECTORS, ROWS) [VECTORS][ROWS] = lone_block_##VECTORS##_##ROWS,

static const panel_table row_blocks = {EACH_BLOCK(ROW_BLOCK_ENTRY)};
static const panel_table panel_blocks = {EACH_BLOCK(PANEL_BLOCK_ENTRY)};
static const panel_table lone_blocks = {EACH_BLOCK(LONE_BLOCK_ENTRY)};

/// The most rows of a block with so many vectors.
static size_t most_rows(size_t vectors) {
  size_t rows = BLOCK_ROWS;
  while (!row_blocks[vectors][rows]) rows--;
  return rows;
}
