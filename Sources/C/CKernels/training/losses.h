// Losses of many logits at once, in double precision, eight at a time on every instruction set.

// Where no register is that wide: these functions are all inlined, so how they would be called does
// not matter.
#pragma clang diagnostic ignored "-Wpsabi"

typedef double lanes __attribute__((ext_vector_type(8)));
typedef long lane_bits __attribute__((ext_vector_type(8)));

INLINE lanes lanes_load(const double *p) {
  lanes v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

INLINE void lanes_store(double *p, lanes v) { __builtin_memcpy(p, &v, sizeof v); }

INLINE lanes lanes_fused(lanes a, lanes b, lanes c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

INLINE lanes lanes_select(lane_bits mask, lanes yes, lanes no) {
  return (lanes)(((lane_bits)yes & mask) | ((lane_bits)no & ~mask));
}

INLINE lanes lanes_absolute(lanes x) {
  return (lanes)((lane_bits)x & (lane_bits)(0x7fffffffffffffff));
}

INLINE double lanes_sum(lanes x) {
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/// e^x for x ≤ 0, to 1 unit in the last place or so; 0 below -708 and for -∞; NaN stays.
///
/// x = n · log 2 + r with n whole and |r| ≤ log 2 / 2, so e^x = 2^n · e^r, and of e^r Taylor's
/// polynomial to r^13, whose rest is below (log 2 / 2)^14 / 14! = 5e-18.
INLINE lanes lanes_exp(lanes x) {
  const lane_bits is_tiny = x < (lanes)(-708);
  const lanes safe = lanes_select(is_tiny, (lanes)(-708), x);
  // Adding 1.5 · 2^52 rounds to a whole number, which then sits in the lowest bits.
  const lanes shifted = safe * 1.4426950408889634 + 0x1.8p52;
  const lanes n = shifted - 0x1.8p52;
  // log 2 in two parts (Cody and Waite): the first has 32 bits and n has 10, so n times it is
  // exact, fused or not, and so is the difference; what log 2 lacks then comes from the second.
  lanes r = lanes_fused(n, (lanes)(-0x1.62e42feep-1), safe);
  r = lanes_fused(n, (lanes)(-0x1.a39ef35793c76p-33), r);
  static const double factors[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800,
                                   1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                   1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1};
  lanes sum = (lanes)(factors[0]);
#pragma clang loop unroll(full)
  for (int i = 1; i < 14; i++) sum = lanes_fused(sum, r, (lanes)(factors[i]));
  // 2^n: n from the lowest bits to the exponent's place, plus its bias. At -708 n is -1021, where
  // numbers are normal still.
  const lane_bits exponent = ((lane_bits)shifted << 52) + (lane_bits)(1023L << 52);
  return lanes_select(is_tiny, (lanes)(0), sum * (lanes)exponent);
}

/// log(1 + x) for 0 ≤ x ≤ 1: 2 · artanh(s), s = x / (2 + x) ≤ 1/3, by its series s + s³/3 + s⁵/5 +
/// … to s^33, whose rest is below 1e-17. Small x keep all their digits, which 1 + x would lose.
INLINE lanes lanes_log1p(lanes x) {
  const lanes s = x / (x + 2), square = s * s;
  lanes sum = (lanes)(1.0 / 33);
#pragma clang loop unroll(full)
  for (int i = 31; i >= 1; i -= 2) sum = lanes_fused(sum, square, (lanes)(1.0 / i));
  return 2 * s * sum;
}

/// Writes one row's logits, and pads them to whole vectors.
INLINE void row_logits(const decaf_sweep *s, size_t row, double padding,
                       double *restrict logits, double *restrict direction) {
  const double *z = s->logits + row * s->stride;
  if (s->direction) {
    const double *q = s->direction + row * s->direction_stride;
    for (size_t k = 0; k < s->count; k++) {
      direction[k] = q[k];
      logits[k] = z[k] + s->steps[k] * q[k] + s->biases[k];
    }
  } else {
    for (size_t k = 0; k < s->count; k++) logits[k] = z[k] + s->biases[k];
  }
  for (size_t k = s->count; k < (s->count + 7) / 8 * 8; k++) logits[k] = padding;
}

/// Adds the first `count` of whole vectors of sums.
INLINE void add_sums(double *restrict to, const double *restrict from, size_t count) {
  for (size_t k = 0; k < count; k++) to[k] += from[k];
}

/// log(1 + x) for x ≥ 0: above 1 by 1 + x = 2^n · (1 + y), and of that what y < 1 gives.
INLINE lanes lanes_log1p_from_zero(lanes x) {
  const lane_bits is_large = x > (lanes)(1);
  const lane_bits bits = (lane_bits)(x + 1);
  const lane_bits exponent = (bits >> 52) - 1023;
  const lanes fraction = (lanes)((bits & 0xfffffffffffff) | 0x3ff0000000000000) - 1;
  const lanes whole = __builtin_convertvector(exponent & is_large, lanes);
  const lanes rest = lanes_log1p(lanes_select(is_large, fraction, x));
  return lanes_fused(whole, (lanes)(0.6931471805599453), rest);
}

/// Exchanges rows and columns of eight vectors.
INLINE void lanes_transpose(const lanes from[8], lanes to[8]) {
  lanes pairs[8], fours[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(from[i], from[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    pairs[i + 1] = __builtin_shufflevector(from[i], from[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 4) {
#pragma clang loop unroll(full)
    for (int j = 0; j < 2; j++) {
      const lanes low = pairs[i + j], high = pairs[i + j + 2];
      fours[i + j] = __builtin_shufflevector(low, high, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + j + 2] = __builtin_shufflevector(low, high, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < 4; j++) {
    to[j] = __builtin_shufflevector(fours[j], fours[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    to[j + 4] = __builtin_shufflevector(fours[j], fours[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

/// Eight rows of `count` numbers turned: a vector for each column.
INLINE void columns_of_rows(const double *const rows[8], size_t count, double *restrict to) {
  size_t k = 0;
  for (; k + 8 <= count; k += 8) {
    lanes from[8], turned[8];
#pragma clang loop unroll(full)
    for (int r = 0; r < 8; r++) from[r] = lanes_load(rows[r] + k);
    lanes_transpose(from, turned);
#pragma clang loop unroll(full)
    for (int r = 0; r < 8; r++) lanes_store(to + 8 * (k + r), turned[r]);
  }
  for (; k < count; k++) {
    const lanes column = {rows[0][k], rows[1][k], rows[2][k], rows[3][k],
                          rows[4][k], rows[5][k], rows[6][k], rows[7][k]};
    lanes_store(to + 8 * k, column);
  }
}

/// The reverse, of the first `live` rows, `count` apart.
INLINE void rows_of_columns(const double *columns, size_t count, size_t live, double *restrict to) {
  size_t k = 0;
  for (; k + 8 <= count; k += 8) {
    lanes from[8], turned[8];
#pragma clang loop unroll(full)
    for (int r = 0; r < 8; r++) from[r] = lanes_load(columns + 8 * (k + r));
    lanes_transpose(from, turned);
    for (size_t r = 0; r < live; r++) lanes_store(to + r * count + k, turned[r]);
  }
  for (; k < count; k++) {
    for (size_t r = 0; r < live; r++) to[r * count + k] = columns[8 * k + r];
  }
}

/// Eight rows side by side, a class after the other: few classes leave no lane idle, and what a row
/// waits for (its highest logit, its sum, a division, a logarithm) eight wait for together.
static void softmax(const decaf_sweep *s, double *loss, double *residuals, double *slopes,
                    float *roots, double *terms, double *scratch) {
  const size_t count = s->count;
  // Vectors in cache lines of their own.
  double *restrict p = (double *)(((uintptr_t)scratch + 63) / 64 * 64);
  double *restrict direction = p + 8 * count;
  double *restrict sums = direction + 8 * count, *restrict slope_sums = sums + 8 * count;
  for (size_t k = 0; k < 8 * count; k++) sums[k] = slope_sums[k] = 0;
  lanes loss_sum = (lanes)(0);
  for (size_t row = 0; row < s->rows; row += 8) {
    const size_t live = s->rows - row < 8 ? s->rows - row : 8;
    const double *z[8], *q[8];
    size_t labels[8];
    lanes weight = (lanes)(0);
    for (size_t r = 0; r < 8; r++) {
      // Where rows end, the last one again, without weight.
      const size_t i = r < live ? row + r : s->rows - 1;
      z[r] = s->logits + i * s->stride;
      q[r] = s->direction ? s->direction + i * s->direction_stride : 0;
      labels[r] = (size_t)s->labels[i];
      if (r < live) weight[r] = s->weights[i];
    }
    columns_of_rows(z, count, p);
    if (s->direction) columns_of_rows(q, count, direction);
    lanes top = (lanes)(-__builtin_inf());
    for (size_t k = 0; k < count; k++) {
      lanes x = lanes_load(p + 8 * k);
      if (s->direction) x = x + s->steps[k] * lanes_load(direction + 8 * k);
      x = x + s->biases[k];
      lanes_store(p + 8 * k, x);
      top = lanes_select(top < x, x, top);
    }
    lanes own;
    for (size_t r = 0; r < 8; r++) own[r] = p[8 * labels[r] + r];
    // log Σ e^z - z[label] = log(1 + others) + margin, with others = Σ e^(z - top) but for one that
    // is 1: no e^z can overflow, and a small loss keeps its digits. The top ones add exactly 1 each:
    // kept apart, they cannot hide the small ones.
    const lanes margin = top - own;
    lanes others = (lanes)(0);
    lane_bits tops = (lane_bits)(0);
    for (size_t k = 0; k < count; k++) {
      const lanes x = lanes_exp(lanes_load(p + 8 * k) - top);
      lanes_store(p + 8 * k, x);
      const lane_bits is_top = x == (lanes)(1);
      others += lanes_select(is_top, (lanes)(0), x);
      tops -= is_top;
    }
    others += __builtin_convertvector(tops - 1, lanes);
    for (size_t r = 0; r < 8; r++) own[r] = p[8 * labels[r] + r];
    const lanes inverse = 1 / (1 + others), scale = weight * inverse;
    loss_sum += weight * (lanes_log1p_from_zero(others) + margin);
    if (roots) {
      lanes root = (lanes)(0);
      for (size_t r = 0; r < live; r++) root[r] = __builtin_sqrt(weight[r]) * inverse[r];
      for (size_t k = 0; k < count; k++) {
        const lanes x = lanes_load(p + 8 * k) * root;
        for (size_t r = 0; r < live; r++) roots[(row + r) * count + k] = (float)x[r];
      }
    }
    // Of a row that is almost sure of its class p - 1 would keep no digit.
    const lane_bits is_sure = (margin == (lanes)(0)) & (others < (lanes)(0x1p-20));
    const lanes residual = lanes_select(is_sure, -scale * others, own * scale - weight);
    for (size_t r = 0; r < 8; r++) p[8 * labels[r] + r] = 0;
    for (size_t k = 0; k < count; k++) {
      const lanes x = lanes_load(p + 8 * k) * scale;
      lanes_store(sums + 8 * k, lanes_load(sums + 8 * k) + x);
      if (s->direction) {
        const lanes product = x * lanes_load(direction + 8 * k);
        lanes_store(slope_sums + 8 * k, lanes_load(slope_sums + 8 * k) + product);
      }
      if (terms) lanes_store(p + 8 * k, x);
    }
    for (size_t r = 0; r < live; r++) {
      const size_t at = 8 * labels[r] + r;
      sums[at] += residual[r];
      if (s->direction) slope_sums[at] += residual[r] * direction[at];
      if (terms) p[at] = residual[r];
    }
    if (terms) rows_of_columns(p, count, live, terms + row * count);
  }
  *loss += lanes_sum(loss_sum);
  for (size_t k = 0; k < count; k++) {
    residuals[k] += lanes_sum(lanes_load(sums + 8 * k));
    if (s->direction) slopes[k] += lanes_sum(lanes_load(slope_sums + 8 * k));
  }
}

/// What a separable loss is at eight margins.
typedef struct {
  lanes loss;
  /// The residual's magnitude; it pulls the margin up.
  lanes pull;
  lanes curvature;
} separable;

/// log(1 + e^-m) = log(1 + e^-|m|) + max(0, -m): no exponential overflows. Its derivative is
/// -σ(-m), its curvature σ(m) · σ(-m), with σ(|m|) = 1 / (1 + e^-|m|) and σ(-|m|) = e^-|m| ·
/// σ(|m|).
INLINE separable logistic_at(lanes margin) {
  const lanes decay = lanes_exp(-lanes_absolute(margin));
  const lanes inverse = 1 / (1 + decay), other = decay * inverse;
  const lane_bits is_right = margin >= (lanes)(0);
  const lanes shortfall = lanes_select(is_right, (lanes)(0), -margin);
  return (separable){lanes_log1p(decay) + shortfall, lanes_select(is_right, other, inverse),
                     other * inverse};
}

/// max(0, 1 - m)².
INLINE separable squared_hinge_at(lanes margin) {
  const lanes distance = 1 - margin;
  const lane_bits is_active = distance > (lanes)(0);
  const lanes slack = lanes_select(is_active, distance, (lanes)(0));
  return (separable){slack * slack, 2 * slack, lanes_select(is_active, (lanes)(2), (lanes)(0))};
}

INLINE void separable_sweep(const int is_hinge, const decaf_sweep *s, double *losses,
                            double *residuals, double *slopes, double *curvatures,
                            double *masses, double *terms, double *scratch) {
  const size_t count = s->count, padded = (count + 7) / 8 * 8;
  double *restrict logits = scratch, *restrict direction = scratch + padded;
  double *restrict sums = scratch + 2 * padded;
  for (size_t k = 0; k < 6 * padded; k++) scratch[k] = 0;
  for (size_t row = 0; row < s->rows; row++) {
    row_logits(s, row, 0, logits, direction);
    const int32_t label = s->labels[row];
    const double weight = s->weights[row];
    for (size_t k = 0; k < padded; k += 8) {
      lanes sign = (lanes)(-1);
      const int is_here = label >= (int32_t)k && label < (int32_t)k + 8;
      if (is_here) sign[label - (int32_t)k] = 1;
      const lanes margin = sign * lanes_load(logits + k);
      const separable at = is_hinge ? squared_hinge_at(margin) : logistic_at(margin);
      const lanes residual = -sign * at.pull * weight;
      lanes_store(logits + k, residual);
      double *sum = sums + k;
      lanes_store(sum, lanes_load(sum) + weight * at.loss);
      sum += padded;
      lanes_store(sum, lanes_load(sum) + residual);
      sum += padded;
      lanes_store(sum, lanes_load(sum) + residual * lanes_load(direction + k));
      sum += padded;
      lanes_store(sum, lanes_load(sum) + weight * at.curvature);
      if (is_here) masses[label] += weight * at.pull[label - (int32_t)k];
    }
    if (terms) __builtin_memcpy(terms + row * count, logits, count * sizeof(double));
  }
  add_sums(losses, sums, count);
  add_sums(residuals, sums + padded, count);
  if (s->direction) add_sums(slopes, sums + 2 * padded, count);
  add_sums(curvatures, sums + 3 * padded, count);
}

static void logistic(const decaf_sweep *s, double *losses, double *residuals, double *slopes,
                     double *curvatures, double *masses, double *terms, double *scratch) {
  separable_sweep(0, s, losses, residuals, slopes, curvatures, masses, terms, scratch);
}

static void squared_hinge(const decaf_sweep *s, double *losses, double *residuals,
                          double *slopes, double *curvatures, double *masses, double *terms,
                          double *scratch) {
  separable_sweep(1, s, losses, residuals, slopes, curvatures, masses, terms, scratch);
}
