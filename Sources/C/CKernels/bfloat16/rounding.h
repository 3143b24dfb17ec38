// Floats to bfloat16, the upper half of a float's bits.

typedef float floats __attribute__((ext_vector_type(16)));
typedef uint32_t words __attribute__((ext_vector_type(16)));
typedef uint16_t halves __attribute__((ext_vector_type(16)));
typedef float unaligned_float __attribute__((aligned(1)));

/// Rounded to nearest even; what is not a number stays so.
///
/// Adding just under half a unit of the half that stays, or half where that is odd, carries into it
/// where rounding goes up.
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
