// MPI as Swift can import it, from any MPI library.
//
// Handles are pointers in Open MPI and integers in MPICH, predefined ones are macros in both, and a
// status has other fields in each: so handles stand in structures here, and every call that takes one
// is wrapped. Return codes are MPI's own.
#pragma once
#include <mpi.h>
#include <stdint.h>

typedef struct {
  MPI_Comm handle;
} decaf_mpi_communicator;

typedef struct {
  MPI_Request handle;
} decaf_mpi_request;

// A message that a probe took out of the queue, to be received by nobody else (MPI 3.1, 3.8.2).
typedef struct {
  MPI_Message handle;
  int found;
  int source;
  int tag;
  int count;  // bytes
} decaf_mpi_message;

enum decaf_mpi_reduction { decaf_mpi_sum, decaf_mpi_maximum, decaf_mpi_minimum };

static inline decaf_mpi_request decaf_mpi_no_request(void) {
  return (decaf_mpi_request){MPI_REQUEST_NULL};
}

// Initializes MPI for a process whose main thread alone calls it; `*isGranted` says whether the
// library allows that.
static inline int decaf_mpi_initialize(int *isGranted) {
  int provided = 0;
  int code = MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);
  *isGranted = provided >= MPI_THREAD_FUNNELED;
  return code;
}

// A duplicate of all ranks' communicator, so that nobody else's messages are mistaken for ours (MPI
// 3.1, 6.4.2). Errors come back as codes, on it and on the predefined ones.
static inline int decaf_mpi_duplicate_world(decaf_mpi_communicator *result) {
  int code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_dup(MPI_COMM_WORLD, &result->handle);
  return code;
}

static inline int decaf_mpi_free(decaf_mpi_communicator *communicator) {
  return MPI_Comm_free(&communicator->handle);
}

static inline int decaf_mpi_rank(decaf_mpi_communicator communicator, int *rank) {
  return MPI_Comm_rank(communicator.handle, rank);
}

static inline int decaf_mpi_size(decaf_mpi_communicator communicator, int *size) {
  return MPI_Comm_size(communicator.handle, size);
}

static inline int decaf_mpi_abort(int status) { return MPI_Abort(MPI_COMM_WORLD, status); }

static inline int decaf_mpi_send(
    decaf_mpi_communicator communicator, const void *bytes, int count, int destination, int tag,
    decaf_mpi_request *request) {
  return MPI_Isend(
      bytes, count, MPI_BYTE, destination, tag, communicator.handle, &request->handle);
}

static inline int decaf_mpi_receive(
    decaf_mpi_communicator communicator, void *bytes, int count, int source, int tag,
    decaf_mpi_request *request) {
  return MPI_Irecv(bytes, count, MPI_BYTE, source, tag, communicator.handle, &request->handle);
}

// Takes the next message of any source and tag out of the queue, if there is one.
static inline int decaf_mpi_take(
    decaf_mpi_communicator communicator, decaf_mpi_message *message) {
  MPI_Status status;
  int code = MPI_Improbe(
      MPI_ANY_SOURCE, MPI_ANY_TAG, communicator.handle, &message->found, &message->handle, &status);
  if (code != MPI_SUCCESS || !message->found) return code;
  message->source = status.MPI_SOURCE;
  message->tag = status.MPI_TAG;
  return MPI_Get_count(&status, MPI_BYTE, &message->count);
}

static inline int decaf_mpi_receive_taken(
    decaf_mpi_message *message, void *bytes, decaf_mpi_request *request) {
  return MPI_Imrecv(bytes, message->count, MPI_BYTE, &message->handle, &request->handle);
}

static inline int decaf_mpi_test(decaf_mpi_request *request, int *isComplete) {
  return MPI_Test(&request->handle, isComplete, MPI_STATUS_IGNORE);
}

static inline int decaf_mpi_allreduce(
    decaf_mpi_communicator communicator, int64_t *values, int count,
    enum decaf_mpi_reduction reduction, decaf_mpi_request *request) {
  MPI_Op operation = reduction == decaf_mpi_sum       ? MPI_SUM
                     : reduction == decaf_mpi_maximum ? MPI_MAX
                                                      : MPI_MIN;
  return MPI_Iallreduce(
      MPI_IN_PLACE, values, count, MPI_INT64_T, operation, communicator.handle, &request->handle);
}

static inline int decaf_mpi_broadcast(
    decaf_mpi_communicator communicator, void *bytes, int count, int root,
    decaf_mpi_request *request) {
  return MPI_Ibcast(bytes, count, MPI_BYTE, root, communicator.handle, &request->handle);
}

// Every rank's `value`, in rank order, on all of them.
static inline int decaf_mpi_allgather(
    decaf_mpi_communicator communicator, const int64_t *value, int64_t *values,
    decaf_mpi_request *request) {
  return MPI_Iallgather(
      value, 1, MPI_INT64_T, values, 1, MPI_INT64_T, communicator.handle, &request->handle);
}

static inline int decaf_mpi_gather(
    decaf_mpi_communicator communicator, const void *own, int count, void *all, const int *counts,
    const int *offsets, int root, decaf_mpi_request *request) {
  return MPI_Igatherv(
      own, count, MPI_BYTE, all, counts, offsets, MPI_BYTE, root, communicator.handle,
      &request->handle);
}

static inline int decaf_mpi_barrier(
    decaf_mpi_communicator communicator, decaf_mpi_request *request) {
  return MPI_Ibarrier(communicator.handle, &request->handle);
}

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
