// The processor's peak: multiply-adds of float vectors in registers. Prints a line, then for every line
// on standard input GFLOP/s, a multiply-add being two.

#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
enum { WIDTH = 16 };
#elif defined(__AVX__)
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif
typedef float vector __attribute__((ext_vector_type(WIDTH)));

// More than two units with a latency of four or five steps can have under way.
enum { CHAINS = 12, STEPS = 4000000 };

int main(void) {
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    vector sums[CHAINS];
    for (int i = 0; i < CHAINS; i++) sums[i] = (vector)(float)i;
    // Numbers that the compiler does not know, and that neither overflow nor vanish.
    volatile float factor = 0.999f, addend = 0.001f;
    const vector a = (vector)factor, b = (vector)addend;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int step = 0; step < STEPS; step++) {
#pragma clang loop unroll(full)
      for (int i = 0; i < CHAINS; i++) {
#if defined(__x86_64__) && !defined(__FMA__)
        sums[i] = sums[i] * a + b;
#else
        sums[i] = __builtin_elementwise_fma(sums[i], a, b);
#endif
      }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    volatile vector result = sums[0];
    for (int i = 1; i < CHAINS; i++) result += sums[i];
    const double seconds = (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec);
    printf("%.2f\n", 2e-9 * WIDTH * CHAINS * STEPS / seconds);
    fflush(stdout);
  }
}
