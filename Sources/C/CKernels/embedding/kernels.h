// Defines the table `embedding_kernels`; the including file has set the target.

#include <math.h>

#include "../include/embedding.h"

#pragma clang fp contract(off)

// No such vector is ever passed: the functions that take them are inlined.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

// Sixteen lanes on every instruction set: sums have the same order on all of them.
typedef float lanes16 __attribute__((ext_vector_type(16)));
typedef float lanes8 __attribute__((ext_vector_type(8)));
typedef float lanes4 __attribute__((ext_vector_type(4)));
typedef double wide16 __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) lanes16 load16(const float *p) {
  lanes16 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

static inline __attribute__((always_inline)) void store16(float *p, lanes16 v) {
  __builtin_memcpy(p, &v, sizeof v);
}

static inline __attribute__((always_inline)) float sum8(lanes8 v) {
  const lanes4 a = v.lo + v.hi;
  return (a.x + a.y) + (a.z + a.w);
}

static inline __attribute__((always_inline)) float sum16(lanes16 v) { return sum8(v.lo + v.hi); }

#include "fourier.h"

#include "mesh.h"

#include "forces.h"

#include "neighbors.h"

static const decaf_embedding_kernels embedding_kernels = {
    .repulsion = embedding_repulsion,
    .attraction = embedding_attraction,
    .descend = embedding_descend,
    .mesh_kernel = mesh_kernel,
    .mesh_spread = mesh_spread,
    .mesh_forward = mesh_forward,
    .mesh_convolve = mesh_convolve,
    .mesh_backward = mesh_backward,
    .mesh_gather = mesh_gather,
    .nearest = nearest,
};

#pragma clang diagnostic pop
