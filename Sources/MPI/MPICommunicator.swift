internal import CMPI
package import Communication
package import Files
internal import Glibc

/// The ranks that a launcher started, over a duplicate of `MPI_COMM_WORLD`.
///
/// Every operation is a non-blocking call that is tested, with growing sleeps while others are waited
/// for: blocking ones spin a core, and none of them returns when another rank never comes. Large
/// collective operations go in pieces, each of which waits for both ranks to look: they first wait
/// asleep until all ranks have come, and only the move itself looks without a pause.
package final class MPICommunicator: Communicator {
  package let rank: Int
  package let size: Int
  package let hostName: String
  private var communicator: decaf_mpi_communicator
  private let mailbox: Mailbox

  /// Elements reduced by one call: bounds the memory MPI needs for its own copies (8 MiB).
  private static let reductionTile = 1 << 20
  /// Bytes that MPI libraries send at once, in one piece.
  private static let pieceByteCount = 4096
  /// Bytes sent by one broadcast call, an eighth of what its 32-bit count can say.
  private static let broadcastTile = 1 << 28

  /// MPI must be initialized.
  init() throws(CommunicationError) {
    var duplicate = decaf_mpi_communicator()
    try check("MPI_Comm_dup", rank: -1) { decaf_mpi_duplicate_world(&duplicate) }
    communicator = duplicate
    var rank: Int32 = 0
    var size: Int32 = 0
    try check("MPI_Comm_rank", rank: -1) { decaf_mpi_rank(duplicate, &rank) }
    try check("MPI_Comm_size", rank: -1) { decaf_mpi_size(duplicate, &size) }
    self.rank = Int(rank)
    self.size = Int(size)
    var length: Int32 = 0
    var name = [CChar](repeating: 0, count: Int(MPI_MAX_PROCESSOR_NAME))
    try check("MPI_Get_processor_name", rank: Int(rank)) {
      MPI_Get_processor_name(&name, &length)
    }
    hostName = String(
      decoding: name.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    mailbox = Mailbox(duplicate, rank: Int(rank), size: Int(size), hostName: hostName)
  }

  /// Frees the duplicate; the communicator must not be used afterwards. Collective.
  ///
  /// Beats that others sent before they came here are taken in, so that none is left over.
  func release() throws {
    try flush()
    try barrier()
    try mailbox.progress()
    try check("MPI_Comm_free", rank: rank) { decaf_mpi_free(&communicator) }
  }

  package var activity: Activity {
    get { mailbox.activity }
    set {
      if newValue.phase != mailbox.activity.phase { mailbox.watch.hurry() }
      mailbox.activity = newValue
    }
  }

  package var watch: RankWatch {
    get { mailbox.watch }
    set { mailbox.watch = newValue }
  }

  /// An error here shows again at the next call that can throw it.
  package func beat() {
    try? mailbox.progress()
    try? mailbox.beat()
  }

  /// MPI 3.1, section 3.7.2 (`MPI_Isend`).
  package func send(_ parts: [SharedBytes], to destination: Int, tag: Tag) throws {
    try mailbox.send(parts, to: destination, tag: tag.rawValue)
  }

  /// MPI 3.1, section 3.8.2 (`MPI_Improbe`, `MPI_Imrecv`).
  package func receive(tag: Tag) throws -> Communication.Message? {
    let message = try mailbox.receive(tag: tag.rawValue)
    if message == nil {
      try mailbox.beat()
      try mailbox.watch.check()
    }
    return message
  }

  package func transfer() throws -> Transfer { mailbox.transfer() }

  package func flush() throws {
    var backoff = Backoff()
    while true {
      try lookAround()
      if !mailbox.isSending { return }
      backoff.wait(mailbox.transfer())
    }
  }

  /// MPI 3.1, section 5.12.7 (`MPI_Iallreduce`), in tiles.
  package func allreduce(_ values: inout [Int64], _ reduction: Reduction) throws {
    let operation =
      switch reduction {
      case .sum: decaf_mpi_sum
      case .maximum: decaf_mpi_maximum
      case .minimum: decaf_mpi_minimum
      }
    try values.withUnsafeMutableBufferPointer { buffer in
      try collective(
        "MPI_Iallreduce", buffer.count, byteCount: buffer.count * MemoryLayout<Int64>.size,
        tile: Self.reductionTile
      ) { start, count, request in
        decaf_mpi_allreduce(
          communicator, buffer.baseAddress.map { $0 + start }, count, operation, &request)
      }
    }
  }

  /// MPI 3.1, section 5.12.2 (`MPI_Ibcast`): the length, then the bytes in tiles.
  package func broadcast(_ bytes: inout [UInt8], root: Int) throws {
    var length = Int64(bytes.count)
    try withUnsafeMutableBytes(of: &length) { pointer in
      try complete("MPI_Ibcast") { request in
        decaf_mpi_broadcast(
          communicator, pointer.baseAddress, Int32(pointer.count), Int32(root), &request)
      }
    }
    if rank != root { bytes = [UInt8](repeating: 0, count: Int(length)) }
    try bytes.withUnsafeMutableBytes { buffer in
      try collective(
        "MPI_Ibcast", buffer.count, byteCount: buffer.count, tile: Self.broadcastTile
      ) { start, count, request in
        decaf_mpi_broadcast(
          communicator, buffer.baseAddress.map { $0 + start }, count, Int32(root), &request)
      }
    }
  }

  /// Runs a collective operation on `elementCount` elements, tile by tile.
  ///
  /// - Parameters:
  ///   - byteCount: of all elements, as many on every rank.
  ///   - start: starts the operation on `count` elements from `start` on.
  private func collective(
    _ operation: String, _ elementCount: Int, byteCount: Int, tile: Int,
    _ start: (_ start: Int, _ count: Int32, inout decaf_mpi_request) -> Int32
  ) throws {
    if byteCount <= Self.pieceByteCount {
      try complete(operation) { request in start(0, Int32(elementCount), &request) }
      return
    }
    // Sleeping between the pieces would take longer than they do, and looking without a pause while
    // others compute takes their core: so wait for the ranks asleep, then move.
    try barrier()
    for offset in stride(from: 0, to: elementCount, by: tile) {
      let count = Int32(min(tile, elementCount - offset))
      try complete(operation, isMove: true) { request in start(offset, count, &request) }
    }
  }

  /// MPI 3.1, sections 5.12.5 and 5.12.3 (`MPI_Iallgather`, `MPI_Igatherv`): the lengths, then the
  /// bytes, in as many rounds as 32-bit places in the result make of them.
  package func gather(_ bytes: [UInt8], root: Int) throws -> [[UInt8]] {
    let lengths = try allLengths(bytes.count)
    let tile = Int(Int32.max) / size
    var parts = [[UInt8]](repeating: [], count: rank == root ? size : 0)
    for start in stride(from: 0, to: lengths.max() ?? 0, by: tile) {
      let counts = lengths.map { Int32(min(max($0 - start, 0), tile)) }
      let offsets = counts.indices.reduce(into: [Int32]()) { offsets, i in
        offsets.append(i == 0 ? 0 : offsets[i - 1] + counts[i - 1])
      }
      let total = counts.reduce(0) { $0 + Int($1) }
      let all = MemoryBlock(byteCount: rank == root ? total : 0)
      try bytes.withUnsafeBytes { own in
        let own = own.baseAddress.map { $0 + min(start, own.count) }
        try counts.withUnsafeBufferPointer { counts in
          try offsets.withUnsafeBufferPointer { offsets in
            // All ranks have come: they have just told their lengths.
            try complete("MPI_Igatherv", isMove: total > Self.pieceByteCount) { request in
              decaf_mpi_gather(
                communicator, own, counts[rank], all.bytes.baseAddress, counts.baseAddress,
                offsets.baseAddress, Int32(root), &request)
            }
          }
        }
      }
      for i in parts.indices {
        parts[i] += all.bytes[Int(offsets[i])..<Int(offsets[i]) + Int(counts[i])]
      }
    }
    return parts
  }

  /// The lengths that all ranks gather, in rank order.
  private func allLengths(_ length: Int) throws -> [Int] {
    var own = Int64(length)
    var lengths = [Int64](repeating: 0, count: size)
    try lengths.withUnsafeMutableBufferPointer { lengths in
      try withUnsafeMutablePointer(to: &own) { own in
        try complete("MPI_Iallgather") { request in
          decaf_mpi_allgather(communicator, own, lengths.baseAddress, &request)
        }
      }
    }
    return lengths.map { Int($0) }
  }

  /// MPI 3.1, section 5.12.1 (`MPI_Ibarrier`).
  package func barrier() throws {
    try complete("MPI_Ibarrier") { request in decaf_mpi_barrier(communicator, &request) }
  }

  /// MPI 3.1, section 8.7 (`MPI_Abort`).
  package func abort(_ status: ExitStatus) -> Never {
    _ = decaf_mpi_abort(status.rawValue)
    fatalError("MPI_Abort returned")
  }

  /// Starts a non-blocking operation and returns when it is complete.
  ///
  /// - Parameter isMove: all ranks have come; the operation needs nothing but to be looked at.
  private func complete(
    _ operation: String, isMove: Bool = false, _ start: (inout decaf_mpi_request) -> Int32
  ) throws {
    let request = try Request(operation, rank: rank, start)
    var backoff = Backoff()
    let begin = ContinuousClock.now
    var looks = 0
    while try !request.isComplete(rank: rank) {
      looks += 1
      // A tile takes milliseconds; where it takes longer, the network is what it waits for.
      if isMove, looks % 64 != 0 || ContinuousClock.now - begin < .milliseconds(100) {
        sched_yield()
        continue
      }
      try lookAround()
      let transfer = mailbox.transfer()
      backoff.wait(isMove && transfer == .none ? .waiting : transfer)
    }
  }

  /// Moves messages along, says that this rank lives, and sees whether the others do.
  private func lookAround() throws {
    try mailbox.progress()
    try mailbox.beat()
    try mailbox.watch.check()
  }
}
