// What a coordinator's work takes at least: the other ranks send messages of so many bytes, as many each as
// there are to share, and rank 0 receives them into one buffer, from whomever the next one is, and writes
// each to its place in a file. Prints the seconds on rank 0.
//
//   mpirun -np N send_and_write FILE MESSAGES BYTES
#include <fcntl.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments) {
  MPI_Init(&count, &arguments);
  int rank, ranks;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (count != 4 || ranks < 2) MPI_Abort(MPI_COMM_WORLD, 64);
  const int messages = atoi(arguments[2]), bytes = atoi(arguments[3]);
  char *buffer = malloc(bytes);
  memset(buffer, rank, bytes);
  int file = -1;
  if (rank == 0) {
    file = open(arguments[1], O_RDWR | O_CREAT, 0644);
    if (file < 0 || ftruncate(file, (off_t)messages * bytes)) MPI_Abort(MPI_COMM_WORLD, 73);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  for (int i = 0; i < messages; i++) {
    if (rank > 0) {
      if (i % (ranks - 1) + 1 == rank)
        MPI_Send(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
      continue;
    }
    MPI_Recv(buffer, bytes, MPI_BYTE, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (pwrite(file, buffer, bytes, (off_t)i * bytes) != bytes) MPI_Abort(MPI_COMM_WORLD, 73);
  }
  if (rank == 0) {
    printf("%.6f\n", MPI_Wtime() - begin);
    close(file);
  }
  MPI_Finalize();
  return 0;
}
