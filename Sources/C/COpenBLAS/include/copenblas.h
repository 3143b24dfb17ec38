#ifndef COPENBLAS_H
#define COPENBLAS_H

// The few functions of OpenBLAS and the LAPACK in it that are used, loaded when first asked for.
//
// The library is not linked: its constructor starts a thread for every processor before `main`
// runs, in each of a node's ranks, and reads OPENBLAS_NUM_THREADS only then. Loaded late, it is told
// to use one thread, and extraction and training, which never call it, do not pay for it.
// Debian's package has LAPACK, but neither LAPACKE nor a header for the Fortran symbols.

/// Fortran passes everything by address; lengths of texts come last, by value (gfortran's rule).
typedef struct {
  /// Eigenvalues `il` … `iu` (ascending, from 1) of a symmetric matrix, and their vectors (dsyevr).
  void (*dsyevr)(const char *jobz, const char *range, const char *uplo, const int *n, double *a,
                 const int *lda, const double *vl, const double *vu, const int *il, const int *iu,
                 const double *abstol, int *m, double *w, double *z, const int *ldz, int *isuppz,
                 double *work, const int *lwork, int *iwork, const int *liwork, int *info,
                 unsigned long, unsigned long, unsigned long);
  /// Singular values and vectors by divide and conquer (dgesdd).
  void (*dgesdd)(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s,
                 double *u, const int *ldu, double *vt, const int *ldvt, double *work,
                 const int *lwork, int *iwork, int *info, unsigned long);
  /// The processor whose kernels it chose: `Zen`, `SkylakeX`.
  char *(*corename)(void);
  /// Version and build: `OpenBLAS 0.3.21 …`.
  char *(*config)(void);
} decaf_openblas;

/// Loads the library on the first call, for one thread.
///
/// Not to be called from two threads at once. Returns null and sets `problem`, which stays valid,
/// where the library or one of the functions is missing.
const decaf_openblas *decaf_load_openblas(const char **problem);

#endif
