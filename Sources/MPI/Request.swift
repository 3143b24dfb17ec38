internal import CMPI
internal import Communication
internal import Files

/// A non-blocking operation under way.
final class Request {
  private var request = decaf_mpi_no_request()
  /// What MPI reads or writes until then.
  private let memory: MemoryBlock?

  init(
    _ operation: String, rank: Int, on memory: MemoryBlock? = nil,
    _ start: (inout decaf_mpi_request) -> Int32
  ) throws(CommunicationError) {
    self.memory = memory
    var request = decaf_mpi_no_request()
    try check(operation, rank: rank) { start(&request) }
    self.request = request
  }

  /// Whether the operation is complete.
  ///
  /// Asking is also what moves it along: without progress threads MPI works only inside its calls.
  func isComplete(rank: Int) throws(CommunicationError) -> Bool {
    var isComplete: Int32 = 0
    var handle = request
    try check("MPI_Test", rank: rank) { decaf_mpi_test(&handle, &isComplete) }
    request = handle
    return isComplete != 0
  }
}
