internal import ConvNet
internal import FeatureStore
internal import Files
internal import Tensors

/// Makes rows of a batch, on the thread of a pipeline.
protocol RowMaker: SendableMetatype {
  /// Whether it needs the images' files.
  static var readsFiles: Bool { get }

  /// The batch's rows and what there is to say about them; after a stop, of those that were begun.
  ///
  /// - Parameters:
  ///   - firstFile: the number in `files` of the batch's first image.
  ///   - idleSeconds: how long the worker waited for this batch.
  ///   - state: is told of every image, and says when to stop.
  func extract(
    _ batch: Batch, files: ReadAhead, firstFile: Int, idleSeconds: Double, state: WorkState
  ) throws -> BatchResult
}

/// Makes rows of zeros, at once: for measuring everything but the work itself.
final class NullRowMaker: RowMaker {
  static let readsFiles = false

  private let rowByteCounts: [Int]
  /// The last batch's part, whose bytes the next one of its size has, too.
  private var last: BatchResult.Part?

  init(_ plan: ExtractionPlan) {
    rowByteCounts = plan.layerWidths.map { $0 * plan.dtype.byteCount }
  }

  func extract(
    _ batch: Batch, files: ReadAhead, firstFile: Int, idleSeconds: Double, state: WorkState
  ) throws -> BatchResult {
    let finished: FinishedRows
    if let last, last.finished.rows.count == batch.rows.count {
      finished = FinishedRows(
        rows: batch.rows, exceptions: [], overflowCount: 0, checksums: last.finished.checksums)
    } else {
      let data = rowByteCounts.map { byteCount in
        let block = MemoryBlock(byteCount: byteCount * batch.rows.count)
        block.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        return SharedBytes(block)
      }
      finished = FinishedRows(rows: batch.rows, exceptions: [], overflowCount: 0, data: data)
      last = BatchResult.Part(finished: finished, data: data)
    }
    var timing = WorkTiming()
    timing.images = batch.rows.count
    timing.idleSeconds = idleSeconds
    state.add(imageSteps: batch.rows.count)
    return BatchResult(
      rows: batch.rows, parts: [BatchResult.Part(finished: finished, data: last!.data)],
      unreadable: [], timing: timing)
  }
}
