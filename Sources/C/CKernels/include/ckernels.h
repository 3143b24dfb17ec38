#ifndef CKERNELS_H
#define CKERNELS_H

// Vector kernels of the network engine and of training. Every kernel exists once per instruction
// set, compiled from one template into one table of functions; the caller picks a set of `sets.h`
// that `decaf_processor_features` allows.
//
// Words, each for one thing:
//
//   map       activations of an image, height × width × channels; a line is a row of its pixels; a
//             pitch is the floats from one line, or row of a matrix, to the next
//   product   rows times columns, summed over the depth
//   panel     some columns of a product's second factor, packed: [k][column], k along the depth.
//             Which factor that is differs: outputs' weights in convolutions and sparse products,
//             rows of inputs in dense inner products, B in training
//   block     the rows and columns of a product whose sums stay in registers: one call of a
//             micro-kernel
//   slab      a stretch of the depth, walked for all rows before the next, so that it stays in a
//             cache
//   tile      m × m outputs of minimal filtering and the (m + r - 1)² inputs that they come from
//             (Lavin and Gray 2015); a scheme has a large tile and a small one
//   point     where Cook and Toom's polynomials are evaluated, m + r - 1 on each axis, infinity
//             among them. Inputs, weights and sums have an element for each pair of points: the
//             transformed inputs V, the transformed weights U, and their products M
//   strip     lines of tiles that go through the buffers together
//   register  of a matrix unit: 16 rows of 64 bytes (Intel calls these tiles)
//   part      at most 16 rows, which such a register holds
//   step      the 32 terms that one instruction of a matrix unit adds
//   set       the kernels of one instruction set
//
// Nothing here allocates, blocks or keeps state, so any number of threads may call at once on
// buffers that do not overlap.

#include "bfloat16.h"
#include "convolution.h"
#include "descriptors.h"
#include "filters.h"
#include "layers.h"
#include "maps.h"
#include "network.h"
#include "operands.h"
#include "sets.h"
#include "training.h"

#endif
