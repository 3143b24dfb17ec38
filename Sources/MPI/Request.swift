internal import CMPI
internal import Communication

/// A message's bytes, at a fixed address, which an array's elements do not have: MPI reads or writes
/// them until its requests complete.
final class MessageMemory {
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }

  convenience init(_ array: [UInt8]) {
    self.init(byteCount: array.count)
    bytes.copyBytes(from: array)
  }

  deinit { bytes.deallocate() }
}

/// A non-blocking operation under way.
final class Request {
  private var request = decaf_mpi_no_request()
  /// What MPI reads or writes until then.
  private let memory: MessageMemory?

  init(
    _ operation: String, rank: Int, on memory: MessageMemory? = nil,
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
