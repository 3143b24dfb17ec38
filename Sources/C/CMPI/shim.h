// What Swift cannot import from mpi.h: Open MPI's predefined handles are macros that cast the
// addresses of opaque structures, and its null and special-address constants are cast macros.
#pragma once
#include <mpi.h>

static inline MPI_Comm decaf_mpi_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm decaf_mpi_comm_self(void) { return MPI_COMM_SELF; }
static inline MPI_Errhandler decaf_mpi_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Datatype decaf_mpi_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype decaf_mpi_int64(void) { return MPI_INT64_T; }
static inline MPI_Op decaf_mpi_sum(void) { return MPI_SUM; }
static inline MPI_Op decaf_mpi_max(void) { return MPI_MAX; }
static inline MPI_Op decaf_mpi_min(void) { return MPI_MIN; }
static inline MPI_Status *decaf_mpi_status_ignore(void) { return MPI_STATUS_IGNORE; }
static inline void *decaf_mpi_in_place(void) { return MPI_IN_PLACE; }

// The library whose header this is: libraries name and number themselves by different macros.
#define DECAF_MPI_TEXT(x) #x
#define DECAF_MPI_VERSION(a, b, c) DECAF_MPI_TEXT(a) "." DECAF_MPI_TEXT(b) "." DECAF_MPI_TEXT(c)
static inline const char *decaf_mpi_compiled_with(void) {
#if defined(OMPI_MAJOR_VERSION)
  return "Open MPI " DECAF_MPI_VERSION(
      OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
#elif defined(MPICH_VERSION)
  return "MPICH " MPICH_VERSION;
#else
  return "an MPI library without name";
#endif
}
