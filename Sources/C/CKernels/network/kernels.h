// Defines the table `network_kernels`; see vector.h for what must be defined before.

#include "vector.h"

#include "micro_kernel.h"

#include "inner_product.h"

#include "sparse_product.h"

#include "winograd.h"

#include "direct.h"

#include "pooling.h"

#include "normalization.h"

#include "resampling.h"

#define MAP_KERNEL(NAME) {#NAME, NAME}

static const decaf_map_kernel map_kernels[] = {
    MAP_KERNEL(max_pool),
    MAP_KERNEL(average_pool),
    MAP_KERNEL(normalize),
    MAP_KERNEL(normalize_any),
    {0, 0},
};

#undef MAP_KERNEL

static const decaf_network_kernels network_kernels = {
    .vector_width = VECTOR_WIDTH,
    .panel_vectors = PANEL_VECTORS,
    .pack_inputs = pack_inputs,
    .inner_product = inner_product,
    .inner_product_row = inner_product_row,
    .pack_nonzeros = pack_nonzeros,
    .sparse_inner_product = sparse_inner_product,
    .winograd_inputs = winograd_inputs,
    .winograd_products = winograd_products,
    .winograd_outputs = winograd_outputs,
    .direct_products = direct_products,
    .map_kernels = map_kernels,
    .rectify = rectify,
    .blend_rows = blend_rows,
    .blend_columns = blend_columns,
};
