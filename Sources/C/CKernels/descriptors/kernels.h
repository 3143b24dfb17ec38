// Defines the table `descriptor_kernels`; the including file has set the target and included
// `../embedding/kernels.h`, whose lanes and transforms serve here, too.

#include "../include/descriptors.h"

// No such vector is ever passed: the functions that take them are inlined.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

#include "gabor.h"

#include "local_system.h"

static const decaf_descriptor_kernels descriptor_kernels = {
    .gabor_spectrum = gabor_spectrum,
    .gabor_response = gabor_response,
    .local_system = local_system,
};

#pragma clang diagnostic pop
