#ifndef CKERNELS_H
#define CKERNELS_H

// Vector kernels of the network engine and of training. Every kernel exists once per instruction
// set, compiled from one template into one table of functions; the caller picks a set of `sets.h`
// that `decaf_processor_features` allows.
//
// Nothing here allocates, blocks or keeps state, so any number of threads may call at once on buffers
// that do not overlap.

#include "bfloat16.h"
#include "convolution.h"
#include "maps.h"
#include "network.h"
#include "operands.h"
#include "sets.h"
#include "training.h"

#endif
