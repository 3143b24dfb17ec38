package import Communication
package import Tensors

/// Rows of features with labels, as training and prediction read them.
///
/// Every rank sees all rows, or brings those here that it does not see, before it reads them.
package protocol RowSource: Sendable {
  /// What messages call it: the path of a store.
  var name: String { get }
  var rowCount: Int { get }
  /// Features of a row.
  var width: Int { get }
  /// Names of the classes that labels index; some may have no row.
  var classNames: [String] { get }

  /// What a row is good for.
  func use(of row: Int) -> RowUse

  /// How much a row's loss counts: finite and not negative; rows of weight 0 take no part.
  func weight(of row: Int) -> Double

  /// Where a row comes from, for messages: what `name` is to its source, and its number there.
  func origin(of row: Int) -> (name: String, row: Int)

  /// Where a row's features lie in a mapped file as they are; nil where they are made when read.
  func place(of row: Int) -> CachedRows.Place?

  /// The rank that computes the block which begins with this row; nil where every rank sees all rows.
  func owner(of row: Int) -> Int?

  /// Has rows brought here that this rank does not see. Every rank calls this, as often as it needs
  /// to, and `endBringing` once after the last time.
  ///
  /// - Parameters:
  ///   - rows: ascending, not overlapping.
  ///   - stays: whether they are here for good, or until the next time.
  func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws

  /// Gives other ranks rows until none needs any. Collective.
  func endBringing(_ communicator: any Communicator) throws

  /// Calls `body` with `rows×width` features, row-major; those of failed rows may be NaN.
  ///
  /// - Parameter scratch: room that an implementation may use to hold the rows; the caller keeps
  ///   one for each thread.
  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws
}

extension RowSource {
  package func weight(of row: Int) -> Double { 1 }
  package func origin(of row: Int) -> (name: String, row: Int) { (name, row) }
  package func place(of row: Int) -> CachedRows.Place? { nil }
  package func owner(of row: Int) -> Int? { nil }
  package func bring(_ rows: [Range<Int>], stays: Bool, _ communicator: any Communicator) throws {}
  package func endBringing(_ communicator: any Communicator) throws {}
}

/// Whether a row can take part in training.
package enum RowUse: Sendable, Equatable {
  /// Index of its class.
  case labelled(Int)
  case unlabelled
  /// Its image could not be read; it has no features.
  case failed
}

/// How a store is cut for training and prediction, fixed by its rows alone.
enum RowPartition {
  /// Rows of a block: the unit of matrix products and of partial sums.
  static let blockRows = 512

  /// The blocks of `rowCount` rows; all have `blockRows` but the last.
  static func blocks(rowCount: Int) -> [Range<Int>] {
    stride(from: 0, to: rowCount, by: blockRows).map { $0..<min($0 + blockRows, rowCount) }
  }

  /// The blocks of one rank, consecutive; some ranks have none when there are fewer blocks.
  static func share(of rank: Int, size: Int, blockCount: Int) -> Range<Int> {
    blockCount * rank / size..<blockCount * (rank + 1) / size
  }

  /// The blocks of a source that one rank computes, ascending.
  static func blocks(
    of source: any RowSource, _ communicator: any Communicator
  ) -> [Range<Int>] {
    let all = blocks(rowCount: source.rowCount)
    if all.isEmpty || source.owner(of: 0) == nil {
      return Array(
        all[share(of: communicator.rank, size: communicator.size, blockCount: all.count)])
    }
    return all.filter { source.owner(of: $0.lowerBound) == communicator.rank }
  }
}
