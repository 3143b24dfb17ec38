#ifndef DECAF_EMBEDDING_H
#define DECAF_EMBEDDING_H

// Kernels of embeddings in the plane: forces of t-SNE, and nearest neighbours, once per instruction
// set like those in network.h.
//
// Points are two arrays of coordinates. Every sum has one order, whatever range of points or tiles a
// call is given, so that threads do not show in the bits.

#include <stddef.h>
#include <stdint.h>

/// Transforms that run side by side.
enum { DECAF_FFT_LANES = 16 };

/// Nodes, along each axis, that a point's mass is spread over: the order of B-splines.
enum { DECAF_MESH_SPLINE = 6 };

/// A square mesh over the plane, and the potential `Σ 1 / (1 + |r - r_j|²)` on it.
typedef struct {
  /// Length of the transforms: a multiple of 64, without prime factors other than 2, 3 and 5.
  size_t size;
  /// Of `size`, every second: cos and -sin of 2π·i / size, one after the other.
  const float *twiddles;
  /// Distance of two nodes, and where node (0, 0) is.
  float spacing, left, bottom;
  /// The potential's transform over that of splines, divided by size²: `size` × `columns`.
  float *kernel;
  /// size/2 + 1, rounded up to lanes.
  size_t columns;
  /// size/2 × size/2: masses of the nodes, then spline coefficients of the potential.
  float *nodes;
  /// `columns` × size/2: transforms along the first axis.
  float *re, *im;
  /// The potential of a mass 1 that lies on one node alone, so many nodes away along each axis.
  float own[DECAF_MESH_SPLINE * DECAF_MESH_SPLINE];
} decaf_mesh;

/// The kernels of embeddings of one set.
typedef struct {
  /// Σ q²·(r_i - r_j) into `fx`, `fy`, with q = 1 / (1 + |r_i - r_j|²), and adds Σ q to `*sum`, for
  /// i in `first` ..< `end` and all j but i.
  void (*repulsion)(const float *x, const float *y, size_t count, size_t first, size_t end,
                    float *fx, float *fy, double *sum);

  /// Σ p·q·(r_i - r_j) into `fx`, `fy` over the `starts[i]` ..< `starts[i + 1]` first `columns`.
  void (*attraction)(const float *x, const float *y, const uint64_t *starts,
                     const uint32_t *columns, const float *p, size_t first, size_t end, float *fx,
                     float *fy);

  /// One step of gradient descent with momentum and a gain for each coordinate.
  void (*descend)(float *position, float *velocity, float *gain, const float *attraction,
                  const float *repulsion, float exaggeration, float normalization, float momentum,
                  float rate, size_t count);

  /// The kernel. `unsplined` undoes splines: `size` factors along either axis; `scratch` holds 4·size
  /// lanes, `table` size·columns numbers.
  void (*mesh_kernel)(const decaf_mesh *mesh, const double *unsplined, float *scratch,
                      float *table);
  /// Masses of the points on the rows `first` ..< `end` of nodes.
  void (*mesh_spread)(const decaf_mesh *mesh, const float *x, const float *y, size_t count,
                      size_t first, size_t end);
  /// Along the first axis, along the second and back with the kernel, and back along the first; a
  /// tile is 16 transforms: size/64 tiles, columns/16, size/64.
  void (*mesh_forward)(const decaf_mesh *mesh, size_t tile, float *scratch);
  void (*mesh_convolve)(const decaf_mesh *mesh, size_t tile, float *scratch);
  void (*mesh_backward)(const decaf_mesh *mesh, size_t tile, float *scratch);
  /// As `repulsion`, from the potential, less what the mesh tells a point of itself. Reads two nodes
  /// beyond those of the splines, whatever they hold.
  void (*mesh_gather)(const decaf_mesh *mesh, const float *x, const float *y, size_t first,
                      size_t end, float *fx, float *fy, double *sum);

  /// Keeps the `k` least of the values seen, a heap with the largest first: `norms[j] - 2·products[j]`
  /// of candidates `base + j` other than `self`. Returns how many are held.
  size_t (*nearest)(const float *products, const float *norms, size_t count, size_t base,
                    size_t self, size_t k, size_t held, float *values, uint32_t *indices);
} decaf_embedding_kernels;

#endif
