// Defines the table `kernels`; see vector.h for what must be defined before.

#include "vector.h"

#include "product.h"

#include "pooling.h"

#include "normalization.h"

static const decaf_kernels kernels = {
    .panel_width = PANEL_WIDTH,
    .product = product,
    .max_pool = max_pool,
    .normalize = normalize,
    .rectify = rectify,
};
