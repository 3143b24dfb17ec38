internal import CMPI
internal import Communication
internal import Files

/// Messages to and from the other ranks, none of which is ever waited for.
///
/// A short message is sent as it is. A long one is announced, and its pieces go when the receiver has
/// memory for them and grants it: so nobody's messages, however many, take more of the receiver than
/// its credit, and a sender that disappears in the middle of one leaves a request that stays
/// incomplete, not a call that never returns. Nothing moves but within `progress`.
final class Mailbox {
  /// Who has been heard of; a beat goes to those that watch this rank.
  var watch: RankWatch
  var activity = Activity(phase: "start")

  private let communicator: decaf_mpi_communicator
  private let rank: Int
  private let size: Int
  private let hostName: String

  /// Bytes sent as they are: libraries send so many at once, without asking the receiver.
  private static let shortByteCount = 4096
  /// Bytes of a piece: what a network moves in a fraction of a millisecond, so that from piece to piece
  /// one sees whether anything moves.
  private static let pieceByteCount = 512 << 10
  /// Parts of a message that are sent from where they are: their lengths go into the announcement,
  /// which is a short message.
  private static let partCount = 256
  /// Bytes beyond which an announcement is not one of this program's.
  private static let longestMessage = 1 << 40

  /// Short messages and grants that are leaving.
  private var sending: [Transit] = []
  /// Granted messages that are leaving, in the order in which they were granted.
  private var departing: [Departure] = []
  /// Long messages that wait for their grant, by number.
  private var announced: [Int64: (parts: [SharedBytes], destination: Int)] = [:]
  private var announcementCount: Int64 = 0
  /// The last beat to each rank, while it is leaving.
  private var beats: [Int: Request] = [:]

  /// Messages that are arriving, by sender and tag, in the order in which they were sent.
  private var arriving: [Sender: [Arrival]] = [:]
  /// Of those and of beats and grants, the ones with requests under way.
  private var receiving: [Arrival] = []
  private var ungranted: [Arrival] = []
  /// Long messages under way, by rank.
  private var granted: [Int: Int] = [:]
  private var heldByteCount = 0
  /// Memory for long messages.
  private let pool = MemoryPool(limit: 32 << 20)
  /// Complete messages by tag, in the order in which they arrived.
  private var ready: [Int32: [Arrival]] = [:]
  /// Whether anything has come, gone or begun to since `transfer` was asked.
  private var hasMoved = false

  init(_ communicator: decaf_mpi_communicator, rank: Int, size: Int, hostName: String) {
    self.communicator = communicator
    self.rank = rank
    self.size = size
    self.hostName = hostName
    watch = RankWatch(rank: rank, size: size)
  }

  /// What is on its way, but for beats and for what waits to be granted; to be asked once a look.
  func transfer() -> Transfer {
    defer { hasMoved = false }
    if sending.isEmpty && departing.isEmpty && receiving.isEmpty { return .none }
    return hasMoved ? .moving : .waiting
  }

  var isSending: Bool { !sending.isEmpty || !departing.isEmpty || !announced.isEmpty }

  /// Hands over a message; see `Communicator.send`.
  func send(_ parts: [SharedBytes], to destination: Int, tag: Int32) throws {
    precondition((0..<MessageKind.stride).contains(tag), "a tag beyond those of messages")
    var parts = parts.filter { !$0.isEmpty }
    if parts.count > Self.partCount { parts = [SharedBytes(joining: parts)] }
    if parts.reduce(0, { $0 + $1.count }) <= Self.shortByteCount {
      try start(parts.flatMap(\.array), to: destination, tag: MessageKind.short.tag(tag))
    } else {
      announcementCount += 1
      announced[announcementCount] = (parts, destination)
      let numbers = [announcementCount] + parts.map { Int64($0.count) }
      try start(numbers.bytes, to: destination, tag: MessageKind.announcement.tag(tag))
    }
    try progress()
  }

  /// The next complete message with this tag.
  func receive(tag: Int32) throws -> Message? {
    try progress()
    guard ready[tag]?.isEmpty == false else { return nil }
    let arrival = ready[tag]!.removeFirst()
    if arrival.isLong { heldByteCount -= arrival.memory.bytes.count }
    return Message(source: arrival.source, body: SharedBytes(arrival.memory))
  }

  /// Moves everything along as far as it goes at once.
  func progress() throws {
    var leaving: [Transit] = []
    for var transit in sending {
      let step = try transit.advance(rank: rank)
      if step.hasMoved { hasMoved = true }
      if !step.isComplete { leaving.append(transit) }
    }
    sending = leaving
    try sendPieces()
    while let arrival = try take() {
      if let tag = arrival.messageTag {
        arriving[Sender(rank: arrival.source, tag: tag), default: []].append(arrival)
      }
      receiving.append(arrival)
    }
    var open: [Arrival] = []
    for arrival in receiving {
      let step = try arrival.advance(rank: rank)
      if step.hasMoved { hasMoved = true }
      if step.isComplete { try accept(arrival) } else { open.append(arrival) }
    }
    receiving = open
    try grant()
  }

  /// Says that this rank lives, to those that watch it, when it is time.
  func beat() throws {
    guard size > 1, watch.isBeatDue() else { return }
    let bytes = Beat(hostName: hostName, activity: activity).encoded
    for destination in rank == 0 ? 1..<size : 0..<1 {
      // One that is still leaving says as much, and a rank that is gone must not collect them.
      if let last = beats[destination], try !last.isComplete(rank: rank) { continue }
      beats[destination] = try request(
        sending: bytes, to: destination, tag: MessageKind.beat.tag(0))
    }
  }

  /// Takes the next message out of MPI's queue and begins to receive it; nil when there is none.
  private func take() throws -> Arrival? {
    var message = decaf_mpi_message()
    try check("MPI_Improbe", rank: rank) { decaf_mpi_take(communicator, &message) }
    guard message.found != 0 else { return nil }
    guard let kind = MessageKind(rawValue: message.tag / MessageKind.stride) else {
      throw CommunicationError.foreignMessage(from: Int(message.source))
    }
    let memory = MemoryBlock(byteCount: Int(message.count))
    let request = try Request("MPI_Imrecv", rank: rank, on: memory) { request in
      decaf_mpi_receive_taken(&message, memory.bytes.baseAddress, &request)
    }
    return Arrival(
      kind: kind, source: Int(message.source), tag: message.tag % MessageKind.stride,
      memory: memory, request)
  }

  /// Does what a message that has arrived asks for.
  private func accept(_ arrival: Arrival) throws {
    switch arrival.kind {
    case .short:
      watch.heard(from: arrival.source)
      deliver(arrival)
    case .announcement:
      watch.heard(from: arrival.source)
      ungranted.append(arrival)
    case .pieces:
      granted[arrival.source]! -= 1
      deliver(arrival)
    case .grant:
      try depart(try arrival.numbers()[0])
    case .beat:
      guard let beat = Beat(decoding: Array(arrival.memory.bytes)) else {
        throw CommunicationError.foreignMessage(from: arrival.source)
      }
      watch.heard(from: arrival.source, beat)
    }
  }

  /// Marks a message as complete; it can be received when those sent before it are.
  private func deliver(_ arrival: Arrival) {
    arrival.isDelivered = true
    let sender = Sender(rank: arrival.source, tag: arrival.tag)
    let messages = arriving[sender] ?? []
    let complete = messages.prefix(while: \.isDelivered)
    ready[arrival.tag, default: []].append(contentsOf: complete)
    arriving[sender] = complete.count == messages.count ? nil : Array(messages[complete.count...])
  }

  /// Grants announced messages, oldest first, as far as the credit goes; one at least.
  private func grant() throws {
    if ungranted.isEmpty { return }
    var credit = IntakeCredit(held: heldByteCount, moving: movingByteCount, underWay: granted)
    var waiting: [Arrival] = []
    for arrival in ungranted {
      let numbers = try arrival.numbers()
      let counts = numbers.dropFirst().map { Int($0) }
      guard counts.allSatisfy({ (1...Self.longestMessage).contains($0) }),
        case let byteCount = counts.reduce(0, +), (1...Self.longestMessage).contains(byteCount)
      else { throw CommunicationError.foreignMessage(from: arrival.source) }
      guard credit.grant(byteCount, from: arrival.source) else {
        waiting.append(arrival)
        continue
      }
      // The places for the pieces are there before the sender hears of it.
      let memory = pool.block(byteCount: byteCount)
      arrival.becomePieces(memory, try receivePieces(counts, of: memory, from: arrival.source))
      receiving.append(arrival)
      try start([numbers[0]].bytes, to: arrival.source, tag: MessageKind.grant.tag(0))
      hasMoved = true
    }
    ungranted = waiting
    heldByteCount = credit.held
    granted = credit.underWay
  }

  /// Bytes that are granted, have not arrived and are coming.
  private var movingByteCount: Int {
    let now = ContinuousClock.now
    return receiving.reduce(0) { sum, arrival in
      arrival.isLong && now - arrival.lastMove < IntakeCredit.patience
        ? sum + arrival.restByteCount : sum
    }
  }

  /// Begins to receive parts of these lengths, one behind the other.
  private func receivePieces(
    _ counts: [Int], of memory: MemoryBlock, from source: Int
  ) throws -> [Request] {
    var end = 0
    return try counts.flatMap { count in
      defer { end += count }
      let part = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[end..<end + count])
      return try pieces(of: part).map { piece in
        try Request("MPI_Irecv", rank: rank, on: memory) { request in
          decaf_mpi_receive(
            communicator, piece.baseAddress, Int32(piece.count), Int32(source),
            MessageKind.pieces.tag(0), &request)
        }
      }
    }
  }

  /// Begins to send a message that was granted.
  private func depart(_ number: Int64) throws {
    guard let message = announced.removeValue(forKey: number) else {
      throw CommunicationError.call(
        operation: "sending message \(number)", rank: rank, reason: "it was granted twice")
    }
    let all = message.parts.flatMap { part in
      let memory = part.memory
      return pieces(of: memory.bytes).map { (memory.owner, $0) }
    }
    departing.append(Departure(all, to: message.destination))
    try sendPieces()
  }

  /// Moves messages that are leaving along.
  private func sendPieces() throws {
    var left: [Departure] = []
    var busy: Set<Int> = []
    for var departure in departing {
      let destination = departure.destination
      let step = try departure.advance(rank: rank, isNext: !busy.contains(destination)) { piece in
        try Request("MPI_Isend", rank: rank, on: piece.memory) { request in
          decaf_mpi_send(
            communicator, piece.bytes.baseAddress, Int32(piece.bytes.count), Int32(destination),
            MessageKind.pieces.tag(0), &request)
        }
      }
      if step.hasMoved { hasMoved = true }
      if !departure.isHandedOver { busy.insert(destination) }
      if !step.isComplete { left.append(departure) }
    }
    departing = left
  }

  private func pieces(
    of bytes: UnsafeMutableRawBufferPointer
  ) -> [UnsafeMutableRawBufferPointer] {
    stride(from: 0, to: bytes.count, by: Self.pieceByteCount).map { start in
      UnsafeMutableRawBufferPointer(
        rebasing: bytes[start..<min(start + Self.pieceByteCount, bytes.count)])
    }
  }

  /// Sends bytes as they are.
  private func start(_ bytes: [UInt8], to destination: Int, tag: Int32) throws {
    sending.append(Transit([try request(sending: bytes, to: destination, tag: tag)]))
  }

  private func request(
    sending bytes: [UInt8], to destination: Int, tag: Int32
  ) throws -> Request {
    let memory = MemoryBlock(bytes)
    return try Request("MPI_Isend", rank: rank, on: memory) { request in
      decaf_mpi_send(
        communicator, memory.bytes.baseAddress, Int32(bytes.count), Int32(destination), tag,
        &request)
    }
  }
}

/// Where messages keep their order.
private struct Sender: Hashable {
  let rank: Int
  let tag: Int32
}

extension [Int64] {
  /// Little-endian, 8 bytes each: what announcements and grants hold.
  fileprivate var bytes: [UInt8] {
    map(\.littleEndian).withUnsafeBytes { [UInt8]($0) }
  }
}
