internal import CMPI
internal import Communication
internal import Glibc

/// The scope in which MPI is initialized; see MPI 3.1, sections 8.7 and 12.4.
package enum MPIUniverse {
  /// Whether a launcher started this process: one of the variables that Open MPI, PMIx or PMI set.
  package static func isLaunched(_ environment: [String: String]) -> Bool {
    let variables = [
      "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_NAMESPACE", "PMI_RANK", "PMI_SIZE", "PMI_FD",
    ]
    return variables.contains { environment[$0] != nil }
  }

  /// Initializes MPI, runs `body` with the communicator of all ranks, and finalizes.
  ///
  /// Call it on the main thread: that thread alone may use the communicator. When `body` throws,
  /// the error passes through and MPI is *not* finalized, because finalizing waits for the other
  /// ranks: the caller ends the job.
  ///
  /// - Throws: `CommunicationError.call` when MPI cannot start or grants fewer threads than
  ///   `MPI_THREAD_FUNNELED`, and what `body` throws.
  package static func run<Result>(_ body: (MPICommunicator) throws -> Result) throws -> Result {
    var isGranted: Int32 = 0
    try check("MPI_Init_thread", rank: -1) { decaf_mpi_initialize(&isGranted) }
    guard isGranted != 0 else {
      throw CommunicationError.call(
        operation: "MPI_Init_thread", rank: -1,
        reason: "this MPI library allows no threads beside the one that talks to it")
    }
    let communicator = try MPICommunicator()
    let result = try body(communicator)
    try communicator.release()
    try check("MPI_Finalize", rank: communicator.rank) { MPI_Finalize() }
    return result
  }
}
