#ifndef DECAF_SETS_H
#define DECAF_SETS_H

// Instruction sets. Every kernel is compiled once for each of them, from one template; a set is a
// file under `targets/` and its name in the list of `targets/sets.c`. Only a set that needs what no
// other needs adds a feature here and its test in `decaf_processor_features`.

#include <stdint.h>

#include "bfloat16.h"
#include "descriptors.h"
#include "embedding.h"
#include "network.h"
#include "training.h"

/// What a processor and its operating system may offer.
enum {
  DECAF_FEATURE_AVX2 = 1,
  DECAF_FEATURE_FMA = 2,
  DECAF_FEATURE_AVX512F = 4,
  DECAF_FEATURE_NEON = 8,
};

/// The features above that both processor and operating system offer.
uint32_t decaf_processor_features(void);

/// The kernels compiled for one instruction set.
typedef struct {
  /// Part of file formats: never changes.
  const char *name;
  /// The features without which its instructions are illegal.
  uint32_t required;
  /// Null where the set is not built for this kind of processor.
  const decaf_network_kernels *network;
  const decaf_training_kernels *training;
  const decaf_embedding_kernels *embedding;
  const decaf_descriptor_kernels *descriptors;
} decaf_kernel_set;

/// Every set, also those that this kind of processor lacks, from slow to fast; ends with null.
const decaf_kernel_set *const *decaf_kernel_sets(void);

/// The network kernels of AVX-512 in shape, in AVX2 instructions: slow, bit for bit the same; lets
/// processors without AVX-512 test that shape. No training kernels.
const decaf_kernel_set *decaf_avx512_shape_set(void);

/// Kernels for a matrix unit.
typedef struct {
  const char *name;
  /// Asks the system to let this process use the unit; 0 when processor or system have none. Null
  /// where the set is not built for this kind of processor.
  int (*enable)(void);
  /// Only for processes that `enable` has allowed them.
  const decaf_bfloat16_kernels *kernels;
} decaf_matrix_set;

/// Every set of a matrix unit, from slow to fast; ends with null.
const decaf_matrix_set *const *decaf_matrix_sets(void);

/// The kernels of AMX in plain code, slow, bit for bit the same: for tests on other processors.
const decaf_matrix_set *decaf_amx_shape_set(void);

#endif
