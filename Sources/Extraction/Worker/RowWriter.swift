internal import FeatureStore
internal import Files
internal import Foundation

/// Writes rows into a store's files while others compute or talk, on a thread of its own.
///
/// A result is told to others when its rows are on the device. One synchronization serves all results
/// that have come while the last one went on: a disk does about a hundred of them a second, whoever asks.
final class RowWriter: Sendable {
  /// A result and the rank that it came from.
  struct Item: Sendable {
    let rank: Int
    var result: BatchResult
  }

  /// What became of results.
  enum Event: Sendable {
    /// Its rows are on the device; the result has none any more.
    case written(Item)
    /// Nothing more is written.
    case failed(rows: Range<Int>, any Error)
  }

  private let items = Channel<Item>()

  /// - Parameters:
  ///   - inputs: what rows were computed with; none is written after one has changed.
  ///   - layerNames: of the rows' bytes, where they are compared with their checksums as they are
  ///     written, since they have come from elsewhere; nil for no comparison.
  ///   - report: is told of each result, on the writer's thread.
  init(
    _ files: RowFiles, inputs: [InputFile] = [], checking layerNames: [String]? = nil,
    report: @escaping @Sendable (Event) -> Void
  ) {
    let thread = Thread { [items] in
      WorkingThread.mark()
      while let first = items.pop() {
        var group = [first]
        while let next = items.poll() { group.append(next) }
        let (written, failure) = Self.write(group, to: files, inputs, layerNames)
        for item in written { report(.written(item)) }
        if let failure {
          report(.failed(rows: failure.rows, failure.error))
          return
        }
      }
    }
    thread.name = "decaf-write"
    thread.start()
  }

  func write(_ result: BatchResult, from rank: Int = 0) {
    items.push(Item(rank: rank, result: result))
  }

  /// Lets the thread end after the results it has.
  func close() { items.close() }

  /// Writes and synchronizes rows.
  ///
  /// - Returns: the items whose rows are on the device, without them; what went wrong with the next.
  private static func write(
    _ group: [Item], to files: RowFiles, _ inputs: [InputFile], _ layerNames: [String]?
  ) -> (written: [Item], failure: (rows: Range<Int>, error: any Error)?) {
    var written: [Item] = []
    var failure: (rows: Range<Int>, error: any Error)?
    let begin = ContinuousClock.now
    for var item in group {
      do {
        try inputs.requireUnchanged()
        for (place, part) in item.result.parts.enumerated() {
          try write(part, to: files, layerNames)
          item.result.parts[place].data = []
        }
        written.append(item)
      } catch {
        failure = (item.result.rows, error)
        break
      }
    }
    // What was written before the failure may still be recorded.
    do { try files.synchronize() } catch {
      return ([], (group[0].result.rows, error))
    }
    if !written.isEmpty {
      written[written.count - 1].result.timing.writeSeconds += seconds(since: begin)
    }
    return (written, failure)
  }

  private static func write(
    _ part: BatchResult.Part, to files: RowFiles, _ layerNames: [String]?
  ) throws {
    let rows = part.finished.rows
    for (layer, bytes) in part.data.enumerated() {
      let rowByteCount = bytes.count / max(rows.count, 1)
      let step = max(1, Self.cachedByteCount / max(rowByteCount, 1))
      var checksum = CRC32C()
      for start in stride(from: 0, to: rows.count, by: step) {
        let end = min(start + step, rows.count)
        let piece = bytes[start * rowByteCount..<end * rowByteCount]
        if layerNames != nil { checksum.update(piece) }
        try files.write(
          rows: rows.lowerBound + start..<rows.lowerBound + end, layer: layer, piece)
      }
      // Rows that are not recorded may be anything: they are computed again.
      if let layerNames, checksum.value != part.finished.checksums[layer] {
        throw StoreError.rowsCorrupted(rows: rows, layer: layerNames[layer])
      }
    }
  }

  /// Bytes that are in the core's own cache when they are written, after their checksum was taken.
  private static let cachedByteCount = 256 << 10
}
