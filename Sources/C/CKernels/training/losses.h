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

/// The highest of a row's padded logits.
INLINE double highest_of(const double *logits, size_t padded) {
  lanes highest = lanes_load(logits);
  for (size_t k = 8; k < padded; k += 8) {
    const lanes x = lanes_load(logits + k);
    highest = lanes_select(highest < x, x, highest);
  }
  double top = highest[0];
  for (int i = 1; i < 8; i++) top = highest[i] > top ? highest[i] : top;
  return top;
}

/// Replaces a row's logits z by p = e^(z - top).
///
/// Returns Σ p but for one p of 1, that of the highest logit.
INLINE double raise_to_powers(double *restrict logits, size_t padded, double top) {
  // The top ones add exactly 1 each: kept apart, they cannot hide the small ones.
  lanes sum = (lanes)(0);
  lane_bits tops = (lane_bits)(0);
  for (size_t k = 0; k < padded; k += 8) {
    const lanes x = lanes_exp(lanes_load(logits + k) - top);
    lanes_store(logits + k, x);
    const lane_bits is_top = x == (lanes)(1);
    sum += lanes_select(is_top, (lanes)(0), x);
    tops -= is_top;
  }
  long top_count = 0;
  for (int i = 0; i < 8; i++) top_count += tops[i];
  return lanes_sum(sum) + (double)(top_count - 1);
}

static void softmax(const decaf_sweep *s, double *loss, double *residuals, double *slopes,
                    float *roots, double *terms, double *scratch) {
  const size_t count = s->count, padded = (count + 7) / 8 * 8;
  double *restrict p = scratch, *restrict direction = scratch + padded;
  double *restrict sums = scratch + 2 * padded, *restrict slope_sums = scratch + 3 * padded;
  for (size_t k = 0; k < 4 * padded; k++) scratch[k] = 0;
  for (size_t row = 0; row < s->rows; row++) {
    row_logits(s, row, -__builtin_inf(), p, direction);
    const size_t label = (size_t)s->labels[row];
    const double top = highest_of(p, padded);
    // log Σ e^z - z[label] = log(1 + others) + margin, with others = Σ e^(z - top) but for one that
    // is 1: no e^z can overflow, and a small loss keeps its digits.
    const double margin = top - p[label];
    const double others = raise_to_powers(p, padded, top);
    const double weight = s->weights[row], inverse = 1 / (1 + others);
    *loss += weight * (__builtin_log1p(others) + margin);
    if (roots) {
      const double root = __builtin_sqrt(weight) * inverse;
      float *restrict to = roots + row * count;
      for (size_t k = 0; k < count; k++) to[k] = (float)(root * p[k]);
    }
    const double scale = weight * inverse;
    for (size_t k = 0; k < padded; k += 8) lanes_store(p + k, lanes_load(p + k) * scale);
    // Of a row that is almost sure of its class p - 1 would keep no digit.
    p[label] = margin == 0 && others < 0x1p-20 ? -scale * others : p[label] - weight;
    for (size_t k = 0; k < padded; k += 8) {
      lanes_store(sums + k, lanes_load(sums + k) + lanes_load(p + k));
    }
    if (s->direction) {
      for (size_t k = 0; k < padded; k += 8) {
        const lanes product = lanes_load(p + k) * lanes_load(direction + k);
        lanes_store(slope_sums + k, lanes_load(slope_sums + k) + product);
      }
    }
    if (terms) __builtin_memcpy(terms + row * count, p, count * sizeof(double));
  }
  add_sums(residuals, sums, count);
  if (s->direction) add_sums(slopes, slope_sums, count);
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
