internal import CMPI
package import Communication
package import Files

/// The ranks that a launcher started, over a duplicate of `MPI_COMM_WORLD`.
///
/// Every wait for others is a non-blocking call tested with growing sleeps: blocking ones spin a core.
/// Large messages go in pieces, though, and a piece waits for both ranks to look: collective calls
/// with much to move first wait until all ranks have come, then block for as long as the move takes.
package final class MPICommunicator: Communicator {
  package let rank: Int
  package let size: Int
  package let hostName: String
  private var communicator: MPI_Comm
  /// Messages on their way; MPI reads their memory until the request completes.
  private var pending: [PendingSend] = []

  /// Elements reduced by one call: bounds the memory MPI needs for its own copies (8 MiB).
  private static let reductionTile = 1 << 20
  /// Bytes that MPI libraries send at once, in one piece.
  private static let pieceByteCount = 4096
  /// Bytes sent by one broadcast call, an eighth of what its 32-bit count can say.
  private static let broadcastTile = 1 << 28

  /// MPI must be initialized.
  init() throws(CommunicationError) {
    try check("MPI_Comm_set_errhandler", rank: -1) {
      MPI_Comm_set_errhandler(decaf_mpi_comm_world(), decaf_mpi_errors_return())
    }
    try check("MPI_Comm_set_errhandler", rank: -1) {
      MPI_Comm_set_errhandler(decaf_mpi_comm_self(), decaf_mpi_errors_return())
    }
    // A duplicate, so that nobody else's messages are mistaken for ours (MPI 3.1, section 6.4.2).
    // It inherits the error handler.
    var duplicate: MPI_Comm?
    try check("MPI_Comm_dup", rank: -1) { MPI_Comm_dup(decaf_mpi_comm_world(), &duplicate) }
    communicator = duplicate!
    let handle = duplicate!
    var rank: Int32 = 0
    var size: Int32 = 0
    try check("MPI_Comm_rank", rank: -1) { MPI_Comm_rank(handle, &rank) }
    try check("MPI_Comm_size", rank: -1) { MPI_Comm_size(handle, &size) }
    self.rank = Int(rank)
    self.size = Int(size)
    var length: Int32 = 0
    var name = [CChar](repeating: 0, count: Int(MPI_MAX_PROCESSOR_NAME))
    try check("MPI_Get_processor_name", rank: Int(rank)) {
      MPI_Get_processor_name(&name, &length)
    }
    hostName = String(
      decoding: name.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Frees the duplicate; the communicator must not be used afterwards.
  func release() {
    var handle: MPI_Comm? = communicator
    MPI_Comm_free(&handle)
  }

  /// MPI 3.1, section 3.7.2 (`MPI_Isend`).
  package func send(_ bytes: [UInt8], to destination: Int, tag: Tag) throws {
    let count = try mpiCount(bytes.count, "MPI_Isend", rank: rank)
    // MPI reads the bytes until the request completes, and an array's may move: hence a copy.
    let message = PendingSend(bytes)
    try check("MPI_Isend", rank: rank) {
      MPI_Isend(
        message.storage.baseAddress, count, decaf_mpi_byte(), Int32(destination), tag.rawValue,
        communicator, &message.request)
    }
    pending.append(message)
    try reap()
  }

  /// MPI 3.1, section 3.8.2 (`MPI_Improbe`, `MPI_Imrecv`).
  package func receive(tag: Tag) throws -> Communication.Message? {
    try reap()
    var found: Int32 = 0
    var message: MPI_Message?
    var status = MPI_Status()
    try check("MPI_Improbe", rank: rank) {
      MPI_Improbe(MPI_ANY_SOURCE, tag.rawValue, communicator, &found, &message, &status)
    }
    if found == 0 { return nil }
    // Improbe took the message out of the queue: nobody else can receive it between here and Imrecv,
    // so its length is known before there is memory for it.
    var count: Int32 = 0
    try check("MPI_Get_count", rank: rank) { MPI_Get_count(&status, decaf_mpi_byte(), &count) }
    let bytes = try [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, received in
      try complete("MPI_Imrecv", isTransfer: true) { request in
        MPI_Imrecv(buffer.baseAddress, count, decaf_mpi_byte(), &message, &request)
      }
      received = Int(count)
    }
    return Communication.Message(source: Int(status.MPI_SOURCE), bytes: bytes)
  }

  package func isSending() throws -> Bool {
    try reap()
    return !pending.isEmpty
  }

  package func flush() throws {
    var backoff = Backoff()
    while try isSending() { backoff.wait(duringTransfer: true) }
  }

  /// MPI 3.1, sections 5.9.6 and 5.12.7 (`MPI_Allreduce`, `MPI_Iallreduce`), in tiles.
  package func allreduce(_ values: inout [Int64], _ reduction: Reduction) throws {
    let operation =
      switch reduction {
      case .sum: decaf_mpi_sum()
      case .maximum: decaf_mpi_max()
      case .minimum: decaf_mpi_min()
      }
    try values.withUnsafeMutableBufferPointer { buffer in
      let isSmall = buffer.count * MemoryLayout<Int64>.size <= Self.pieceByteCount
      try collective(
        buffer.count, isSmall: isSmall, tile: Self.reductionTile,
        "MPI_Iallreduce",
        { request in
          MPI_Iallreduce(
            decaf_mpi_in_place(), buffer.baseAddress, Int32(buffer.count), decaf_mpi_int64(),
            operation, communicator, &request)
        },
        "MPI_Allreduce",
        { start, count in
          MPI_Allreduce(
            decaf_mpi_in_place(), buffer.baseAddress! + start, count, decaf_mpi_int64(),
            operation, communicator)
        })
    }
  }

  /// MPI 3.1, sections 5.4 and 5.12.2 (`MPI_Bcast`, `MPI_Ibcast`): the length, then the bytes in
  /// tiles.
  package func broadcast(_ bytes: inout [UInt8], root: Int) throws {
    var length = Int64(bytes.count)
    try withUnsafeMutablePointer(to: &length) { pointer in
      try complete("MPI_Ibcast") { request in
        MPI_Ibcast(pointer, 1, decaf_mpi_int64(), Int32(root), communicator, &request)
      }
    }
    if rank != root { bytes = [UInt8](repeating: 0, count: Int(length)) }
    try bytes.withUnsafeMutableBytes { buffer in
      try collective(
        buffer.count, isSmall: buffer.count <= Self.pieceByteCount, tile: Self.broadcastTile,
        "MPI_Ibcast",
        { request in
          MPI_Ibcast(
            buffer.baseAddress, Int32(buffer.count), decaf_mpi_byte(), Int32(root), communicator,
            &request)
        },
        "MPI_Bcast",
        { start, count in
          MPI_Bcast(buffer.baseAddress! + start, count, decaf_mpi_byte(), Int32(root), communicator)
        })
    }
  }

  /// Runs a collective on `elementCount` elements: a small one by a single non-blocking call, a
  /// large one tile by tile, by calls that block.
  ///
  /// - Parameters:
  ///   - isSmall: whether a message of all elements goes in one piece. Every rank says the same,
  ///     since all have equally many elements: else some would wait in another call than others.
  ///   - whole: starts the non-blocking call, on all elements.
  ///   - part: makes the blocking call on the elements from `start` on.
  private func collective(
    _ elementCount: Int, isSmall: Bool, tile: Int,
    _ wholeOperation: String, _ whole: (inout MPI_Request?) -> Int32,
    _ partOperation: String, _ part: (_ start: Int, _ count: Int32) -> Int32
  ) throws {
    if isSmall {
      try complete(wholeOperation, whole)
      return
    }
    // A non-blocking call would sleep between the pieces, a blocking one spins until the last rank
    // has come. So wait for the ranks asleep; when all are here, only the move itself spins.
    try barrier()
    for start in stride(from: 0, to: elementCount, by: tile) {
      let count = Int32(min(tile, elementCount - start))
      try check(partOperation, rank: rank) { part(start, count) }
    }
  }

  /// MPI 3.1, section 5.12.3 (`MPI_Igather`, `MPI_Igatherv`): the lengths, then the bytes.
  package func gather(_ bytes: [UInt8], root: Int) throws -> [[UInt8]] {
    let lengths = try gatherLengths(
      try mpiCount(bytes.count, "MPI_Igather", rank: rank), root: root)
    // Places in the result are counts as well, so all messages together must fit 32 bits.
    let total = lengths.reduce(0) { $0 + Int($1) }
    _ = try mpiCount(total, "MPI_Igatherv", rank: rank)
    var offsets: [Int32] = []
    var end: Int32 = 0
    for length in lengths {
      offsets.append(end)
      end += length
    }
    var all = [UInt8](repeating: 0, count: total)
    try all.withUnsafeMutableBytes { all in
      try bytes.withUnsafeBytes { own in
        try lengths.withUnsafeBufferPointer { lengths in
          try offsets.withUnsafeBufferPointer { offsets in
            try complete("MPI_Igatherv") { request in
              MPI_Igatherv(
                own.baseAddress, Int32(own.count), decaf_mpi_byte(), all.baseAddress,
                lengths.baseAddress, offsets.baseAddress, decaf_mpi_byte(), Int32(root),
                communicator, &request)
            }
          }
        }
      }
    }
    return zip(offsets, lengths).map { Array(all[Int($0)..<Int($0) + Int($1)]) }
  }

  /// The lengths of all ranks on `root`, in rank order; empty elsewhere.
  private func gatherLengths(_ length: Int32, root: Int) throws(CommunicationError) -> [Int32] {
    var own = length
    var lengths = [Int32](repeating: 0, count: rank == root ? size : 0)
    let byteCount = Int32(MemoryLayout<Int32>.size)
    try lengths.withUnsafeMutableBufferPointer { lengths throws(CommunicationError) in
      try withUnsafeMutablePointer(to: &own) { own throws(CommunicationError) in
        try complete("MPI_Igather") { request in
          MPI_Igather(
            own, byteCount, decaf_mpi_byte(), lengths.baseAddress, byteCount, decaf_mpi_byte(),
            Int32(root), communicator, &request)
        }
      }
    }
    return lengths
  }

  /// MPI 3.1, section 5.12.1 (`MPI_Ibarrier`).
  package func barrier() throws {
    try complete("MPI_Ibarrier") { request in MPI_Ibarrier(communicator, &request) }
  }

  /// MPI 3.1, section 8.7 (`MPI_Abort`).
  package func abort(_ status: ExitStatus) -> Never {
    MPI_Abort(decaf_mpi_comm_world(), status.rawValue)
    fatalError("MPI_Abort returned")
  }

  /// Starts a non-blocking operation and sleeps until it is complete.
  private func complete(
    _ operation: String, isTransfer: Bool = false, _ start: (inout MPI_Request?) -> Int32
  ) throws(CommunicationError) {
    var request: MPI_Request?
    try check(operation, rank: rank) { start(&request) }
    var backoff = Backoff()
    while try !isComplete(&request) { backoff.wait(duringTransfer: isTransfer) }
  }

  private func isComplete(_ request: inout MPI_Request?) throws(CommunicationError) -> Bool {
    var done: Int32 = 0
    var handle = request
    try check("MPI_Test", rank: rank) { MPI_Test(&handle, &done, decaf_mpi_status_ignore()) }
    request = handle
    return done != 0
  }

  /// Forgets the messages that have left. Testing a request is also what moves it along: without
  /// progress threads MPI works only inside its calls.
  private func reap() throws(CommunicationError) {
    var waiting: [PendingSend] = []
    for message in pending where try !isComplete(&message.request) { waiting.append(message) }
    pending = waiting
  }
}

/// A message's bytes at a fixed address, and the request that sends them.
private final class PendingSend {
  let storage: UnsafeMutableRawBufferPointer
  var request: MPI_Request?

  init(_ bytes: [UInt8]) {
    storage = .allocate(byteCount: bytes.count, alignment: 64)
    storage.copyBytes(from: bytes)
  }

  deinit { storage.deallocate() }
}
