#ifndef DECAF_DESCRIPTORS_H
#define DECAF_DESCRIPTORS_H

// Kernels of hand-made image descriptors, once per instruction set like those in network.h. Sums have
// the same order on all of them, and nothing is fused: the bits are the same.

#include <stddef.h>

/// Filters of a square image in the domain of frequencies, and where their responses are measured.
typedef struct {
  /// Length of the transforms: a multiple of 64, of the form 2^a, 3·2^a or 5·2^a.
  size_t size;
  /// cos and -sin of 2π·i / size for every i, one after the other.
  const float *twiddles;
  /// Pixels beside each edge that are not measured.
  size_t border;
  /// Blocks along an axis; each a multiple of 16 pixels.
  size_t blocks;
} decaf_gabor;

/// The most words of a local system.
enum { DECAF_LOCAL_WORDS = 5 };

/// The kernels of descriptors of one set.
typedef struct {
  /// The transform of a real image, `size`×`size`, row-major, into `re` and `im`: the frequency along
  /// a row comes first, that along a column runs fastest.
  ///
  /// `scratch` holds size·(2·size + 64) floats.
  void (*gabor_spectrum)(const decaf_gabor *gabor, const float *image, float *re, float *im,
                         float *scratch);

  /// The mean magnitude, over each block, of the spectrum times `filter` transformed back.
  ///
  /// `filter` is real, lies as the spectrum does, and holds 1 / size² as a factor. `means` is
  /// blocks×blocks, a column of blocks after the other. `scratch` as above.
  void (*gabor_response)(const decaf_gabor *gabor, const float *re, const float *im,
                         const float *filter, float *means, float *scratch);

  /// `count`×`count` products of the differences of `words`, those in `rows` of `width` numbers, from
  /// the descriptor. `scratch` holds 8·width numbers.
  void (*local_system)(const float *words, const size_t *rows, size_t count,
                       const float *descriptor, size_t width, double *scratch, double *system);
} decaf_descriptor_kernels;

#endif
