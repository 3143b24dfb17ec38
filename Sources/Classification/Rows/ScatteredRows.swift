package import Communication
internal import FeatureStore
internal import Files
internal import Images
internal import Tensors

/// The rows of stores that lie on different hosts, as if they were one store after the other.
///
/// A rank holds the stores that it sees; blocks of rows are computed where they lie. Rows that a rank
/// needs of other hosts (of a block that spans two stores, for products of all pairs, or of a class it
/// solves) are brought here first, by `bring`. Labels are known to every rank.
package final class ScatteredRows: RowSource, @unchecked Sendable {
  // Invariant behind `@unchecked`: rows are brought between loops of the team; loops only read.

  /// A store, on whatever ranks it is.
  struct Part {
    /// What messages call it.
    let name: String
    /// Its rows among all.
    let rows: Range<Int>
    /// The ranks that see it, ascending.
    let holders: [Int]
    /// It itself, where this rank sees it.
    let local: StoreRows?
  }

  package let width: Int
  package let classNames: [String]
  private let parts: [Part]
  private let rank: Int
  /// By row: its class, or one of the marks below.
  private let uses: [Int32]
  private static let failed: Int32 = -1
  private static let unlabelled: Int32 = -2
  /// Rows of other hosts that stay, and those of the step at hand.
  private var kept: [Int: [Float]] = [:]
  private var borrowed: [Int: [Float]] = [:]

  /// - Parameters:
  ///   - parts: in order, without gaps.
  ///   - uses: by row, its class, −1 for a failed and −2 for an unlabelled one.
  init(parts: [Part], uses: [Int32], classNames: [String], width: Int, rank: Int) {
    precondition(parts.last?.rows.upperBound == uses.count, "a use for each row")
    (self.parts, self.uses, self.classNames) = (parts, uses, classNames)
    (self.width, self.rank) = (width, rank)
  }

  /// A use as a number, its class being `classMap[index]` of all.
  static func code(_ use: RowUse, _ classMap: [Int]) -> Int32 {
    switch use {
    case .labelled(let label): Int32(classMap[label])
    case .unlabelled: unlabelled
    case .failed: failed
    }
  }

  package var name: String { parts.map(\.name).joined(separator: ", ") }
  package var rowCount: Int { uses.count }

  package func use(of row: Int) -> RowUse {
    switch uses[row] {
    case Self.failed: .failed
    case Self.unlabelled: .unlabelled
    case let label: .labelled(Int(label))
    }
  }

  package func origin(of row: Int) -> (name: String, row: Int) {
    let part = parts[index(of: row)]
    return (part.name, row - part.rows.lowerBound)
  }

  /// A rank that sees the store in which the row's block begins; a store's blocks are shared out evenly.
  package func owner(of row: Int) -> Int? {
    let part = parts[index(of: row)]
    let blockRows = RowPartition.blockRows
    let first = (part.rows.lowerBound + blockRows - 1) / blockRows
    let end = (part.rows.upperBound + blockRows - 1) / blockRows
    let place = row / blockRows - first
    if place < 0 { return owner(of: row / blockRows * blockRows) }
    return part.holders[place * part.holders.count / (end - first)]
  }

  package func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    let part = parts[index(of: rows.lowerBound)]
    if let local = part.local, rows.upperBound <= part.rows.upperBound {
      return try local.withRows(part.local(rows), scratch: &scratch, body)
    }
    var gathered: [Float] = []
    gathered.reserveCapacity(rows.count * width)
    try append(rows, to: &gathered, scratch: &scratch)
    try body(gathered.span)
  }

  /// Appends rows that are here, wherever they come from.
  private func append(
    _ rows: Range<Int>, to values: inout [Float], scratch: inout [Float]
  ) throws {
    for part in parts where part.rows.overlaps(rows) {
      let piece = rows.clamped(to: part.rows)
      if let local = part.local {
        try local.withRows(part.local(piece), scratch: &scratch) { values.append(contentsOf: $0) }
        continue
      }
      for row in piece {
        guard let features = kept[row] ?? borrowed[row] else {
          preconditionFailure("row \(row) was not brought here")
        }
        values += features
      }
    }
  }

  /// The part that a row belongs to.
  private func index(of row: Int) -> Int {
    precondition(row >= 0 && row < rowCount, "no such row")
    var (low, high) = (0, parts.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if parts[middle].rows.lowerBound <= row { low = middle } else { high = middle }
    }
    return low
  }
}

extension ScatteredRows.Part {
  /// Rows of all as rows of this store.
  fileprivate func local(_ some: Range<Int>) -> Range<Int> {
    some.lowerBound - rows.lowerBound..<some.upperBound - rows.lowerBound
  }
}

// MARK: Rows of other hosts

extension ScatteredRows {
  private static let tag = Tag(rawValue: 3)
  /// Bytes that a rank may be asked for at a time, by all others together.
  private static let mostBytes = 1 << 28

  package func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws {
    if !stays { borrowed = [:] }
    var missing: [Int] = []
    for part in parts where part.local == nil {
      for run in rows where run.overlaps(part.rows) {
        missing += run.clamped(to: part.rows).filter { kept[$0] == nil }
      }
    }
    let most = max(1, Self.mostBytes / (4 * width * communicator.size))
    for start in stride(from: 0, to: missing.count, by: most) {
      let some = Array(missing[start..<min(start + most, missing.count)])
      let found = try exchange(some, isDone: false, communicator).rows
      if stays { kept.merge(found) { $1 } } else { borrowed.merge(found) { $1 } }
    }
  }

  package func endBringing(_ communicator: any Communicator) throws {
    while try !exchange([], isDone: true, communicator).areAllDone {}
  }

  /// Asks others for rows, and gives them what they ask for. Collective.
  private func exchange(
    _ wanted: [Int], isDone: Bool, _ communicator: any Communicator
  ) throws -> (rows: [Int: [Float]], areAllDone: Bool) {
    let requests = try communicator.gatherAll(NumberBytes.bytes([isDone ? 1 : 0] + wanted))
      .map { NumberBytes.numbers($0) as [Int] }
    var scratch: [Float] = []
    for (requester, request) in requests.enumerated() {
      let asked = request.dropFirst().filter { giver(of: $0, to: requester) == rank }
      if asked.isEmpty { continue }
      var values: [Float] = []
      values.reserveCapacity(asked.count * width)
      for run in SelectedRows.runs(asked) { try append(run, to: &values, scratch: &scratch) }
      try communicator.send(NumberBytes.bytes(values), to: requester, tag: Self.tag)
    }
    let found = try receive(wanted, communicator)
    // What was sent is taken in before the next request: nobody is asked for more than the bound.
    try communicator.flush()
    return (found, requests.allSatisfy { $0[0] == 1 })
  }

  /// Waits for the rows asked for, from every rank that gives some.
  private func receive(
    _ wanted: [Int], _ communicator: any Communicator
  ) throws -> [Int: [Float]] {
    var expected = Dictionary(grouping: wanted) { giver(of: $0, to: rank) }
    var found: [Int: [Float]] = [:]
    var backoff = Backoff()
    while !expected.isEmpty {
      guard let message = try communicator.receive(tag: Self.tag) else {
        backoff.wait(try communicator.transfer())
        continue
      }
      backoff.reset()
      let values: [Float] = NumberBytes.numbers(message.bytes)
      guard let rows = expected.removeValue(forKey: message.source),
        values.count == rows.count * width
      else { throw CommunicationError.foreignMessage(from: message.source) }
      for (i, row) in rows.enumerated() {
        found[row] = Array(values[i * width..<(i + 1) * width])
      }
    }
    return found
  }

  /// Who gives a rank a row that it does not see: holders take turns.
  private func giver(of row: Int, to requester: Int) -> Int {
    let holders = parts[index(of: row)].holders
    return holders[requester % holders.count]
  }
}
