internal import CMPI
internal import Communication

/// Runs one MPI call and throws what its return code says.
///
/// - Parameters:
///   - operation: the MPI function's name, for the message.
///   - rank: this rank, or -1 before it is known.
/// - Throws: `CommunicationError.call` for any code but `MPI_SUCCESS`.
func check(_ operation: String, rank: Int, _ call: () -> Int32) throws(CommunicationError) {
  let code = call()
  if code == MPI_SUCCESS { return }
  let text = [CChar](unsafeUninitializedCapacity: Int(MPI_MAX_ERROR_STRING)) { buffer, count in
    var length: Int32 = 0
    let known = MPI_Error_string(code, buffer.baseAddress, &length) == MPI_SUCCESS
    count = known ? Int(length) : 0
  }
  let reason = String(decoding: text.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  throw .call(
    operation: operation, rank: rank, reason: reason.isEmpty ? "MPI error code \(code)" : reason)
}
