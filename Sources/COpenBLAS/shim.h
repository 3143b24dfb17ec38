// cblas.h as it is; this file exists because a module map names headers beside itself.
#pragma once
#include <cblas.h>

// LAPACK's Cholesky factorization is part of OpenBLAS. Its own f77blas.h declares it too, with
// macros that Swift cannot import and without const.
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
