internal import Communication
internal import Descriptors
internal import Files
internal import Formats
internal import Tensors

/// The file: written on rank 0 from what all ranks have, and shared out among as many as there are now.
extension CodebookCheckpointer {
  /// Numbers that go between ranks at a time.
  private static let piece = 1 << 20
  private static let width = DenseSIFT.width

  /// Collective.
  func write(_ progress: CodebookProgress) throws {
    let failures: [CodebookProgress.Failure?] = try communicator.exchange([progress.failure]).map {
      $0?.first ?? nil
    }
    let state = try JSONValue(
      encoding: CodebookCheckpoint.State(
        phase: progress.phase, failure: failures.compactMap(\.self).first,
        passes: progress.passes, meanSquare: progress.meanSquare)
    ).compactText
    let hasSquares = progress.phase == .words
    var counts = [
      Int64(progress.outcomes.count), Int64(progress.descriptorCount * Self.width),
      Int64(hasSquares ? progress.descriptorCount : 0),
    ]
    let own = counts
    try communicator.allreduce(&counts, .sum)
    let writer = try communicator.agree {
      guard communicator.isRoot else { return nil as CodebookCheckpoint.Writer? }
      return try CodebookCheckpoint.Writer(
        path, job: job.compactText, state: state,
        tensors: [
          .init(CodebookCheckpoint.outcomes, [Int(counts[0])], .float64),
          .init(CodebookCheckpoint.descriptors, [Int(counts[1]) / Self.width, Self.width]),
          .init(CodebookCheckpoint.words, [progress.words.count / Self.width, Self.width]),
          .init(CodebookCheckpoint.squares, [Int(counts[2])], .float64),
        ])
    }
    try gather(own: [progress.outcomes.map { Double($0) }], Int(own[0]), to: writer)
    try gather(own: progress.pieces, Int(own[1]), to: writer)
    try communicator.agree { try writer?.append(progress.words) }
    try gather(own: [progress.squares.map { Double($0) }], Int(own[2]), to: writer)
    try communicator.agree { try writer?.finish() }
  }

  /// Appends all ranks' numbers in rank order, a part of them at a time; collective.
  private func gather<Number: BitwiseCopyable & Numeric>(
    own: [[Number]], _ count: Int, to writer: CodebookCheckpoint.Writer?
  ) throws {
    var counts = [Int64](repeating: 0, count: communicator.size)
    counts[communicator.rank] = Int64(count)
    try communicator.allreduce(&counts, .sum)
    var cursor = PieceCursor(own)
    for (rank, count) in counts.enumerated() {
      for start in stride(from: 0, to: Int(count), by: Self.piece) {
        let size = min(Self.piece, Int(count) - start)
        let part = rank == communicator.rank ? NumberBytes.bytes(cursor.next(size)) : []
        let parts = try communicator.gather(part, root: 0)
        try communicator.agree {
          try writer?.append(NumberBytes.numbers(parts[rank]) as [Number])
        }
      }
    }
  }

  /// Takes up the checkpoint, if there is one; collective.
  ///
  /// - Parameter imageCount: of all ranks.
  /// - Returns: what to go on from, as it concerns this rank; nil to begin.
  /// - Throws: `JobFailure` for a checkpoint that is damaged, or of other words.
  func resume(imageCount: Int) throws -> CodebookProgress? {
    let file = try communicator.agree { () throws -> SafetensorsFile? in
      guard communicator.isRoot, try FileSystem.byteCount(of: path) != nil else { return nil }
      do {
        return try CodebookCheckpoint.open(path, job: job, imageCount: imageCount)
      } catch  where schedule.startsAnew { return nil }
    }
    var text = Array((file?.metadata["state"] ?? "").utf8)
    try communicator.broadcast(&text, root: 0)
    if text.isEmpty { return nil }
    let state = try JSONValue(parsing: text).decoded(CodebookCheckpoint.State.self)
    let images = CodebookProgress.images(
      of: communicator.rank, of: communicator.size, count: imageCount)
    let outcomes = try scatter(file, CodebookCheckpoint.outcomes, nil, as: Double.self).map {
      Int($0)
    }
    var progress = CodebookProgress(imageCount: images.count)
    progress.phase = state.phase
    progress.outcomes = Array(outcomes[images])
    if let failure = state.failure, images.contains(failure.image) { progress.failure = failure }
    (progress.passes, progress.meanSquare) = (state.passes, state.meanSquare)
    let before = outcomes[..<images.lowerBound].reduce(0) { $0 + max($1, 0) }
    let own = before..<before + progress.descriptorCount
    let values = try scatter(
      file, CodebookCheckpoint.descriptors,
      own.lowerBound * Self.width..<own.upperBound * Self.width, as: Float.self)
    var next = 0
    progress.pieces = progress.outcomes.filter { $0 > 0 }.map { count in
      defer { next += count * Self.width }
      return Array(values[next..<next + count * Self.width])
    }
    progress.words = try scatter(file, CodebookCheckpoint.words, nil, as: Float.self)
    progress.squares = try scatter(
      file, CodebookCheckpoint.squares, state.phase == .words ? own : 0..<0, as: Double.self
    ).map { Int64($0) }
    return progress
  }

  /// Some numbers of a tensor that rank 0 has, those in `range`, nil for all; collective.
  private func scatter<Number: BitwiseCopyable & Numeric>(
    _ file: SafetensorsFile?, _ name: String, _ range: Range<Int>?, as type: Number.Type
  ) throws -> [Number] {
    let tensor = file?.tensor(named: name)
    var count = [Int64(tensor?.shape.reduce(1, *) ?? 0)]
    try communicator.allreduce(&count, .maximum)
    let range = range ?? 0..<Int(count[0])
    var result: [Number] = []
    result.reserveCapacity(range.count)
    let floats = type == Float.self ? try file?.storedFloats(name) : nil
    let doubles = type == Double.self ? try file?.doubles(name) : nil
    for start in stride(from: 0, to: Int(count[0]), by: Self.piece) {
      let part = start..<min(start + Self.piece, Int(count[0]))
      var bytes =
        floats.map { NumberBytes.bytes($0.floats(part)) }
        ?? doubles.map { NumberBytes.bytes(Array($0[part])) } ?? []
      try communicator.broadcast(&bytes, root: 0)
      let wanted = part.clamped(to: range)
      if wanted.isEmpty { continue }
      let numbers: [Number] = NumberBytes.numbers(bytes)
      result += numbers[wanted.lowerBound - start..<wanted.upperBound - start]
    }
    return result
  }
}

/// Takes numbers off the front of pieces.
private struct PieceCursor<Number> {
  private let pieces: [[Number]]
  private var (piece, place) = (0, 0)

  init(_ pieces: [[Number]]) { self.pieces = pieces }

  mutating func next(_ count: Int) -> [Number] {
    var result: [Number] = []
    result.reserveCapacity(count)
    while result.count < count {
      let end = min(place + count - result.count, pieces[piece].count)
      result += pieces[piece][place..<end]
      (piece, place) = end == pieces[piece].count ? (piece + 1, 0) : (piece, end)
    }
    return result
  }
}
