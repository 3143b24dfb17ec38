internal import ConvNet
internal import FeatureStore
internal import Files
internal import Foundation
package import Images
package import Tensors

/// A short run of a job's own work on some of its images: how long all of it will take, and what it needs.
package struct Calibration: Sendable {
  /// Of this process, with its threads.
  package let imagesPerSecond: Double
  /// Images measured.
  package let imageCount: Int
  package let threadCount: Int
  /// Bytes that this process took, beside the weights' file, which all ranks of a host share; nil where the
  /// system does not tell.
  package let byteCount: Int?

  /// Seconds of measuring after which no further batch begins.
  private static let limit = 2.0

  /// Computes images of the list again and again, a batch to warm up and then some seconds.
  ///
  /// - Returns: nil where no image of the sample can be used.
  /// - Throws: when this processor has no kernels, or the model lacks a layer.
  package static func run(
    _ request: ExtractionRequest, _ source: any FeatureSource, _ list: ImageList, team: ThreadTeam
  ) throws -> Calibration? {
    let plan = ExtractionPlan(request, source: source, kernelClass: try KernelClass.current)
    let extractor = try LoneExtractor(plan, maxMegapixels: request.maxMegapixels, team: team)
    let sample = ImageSample.rows(count: list.count).map { row in
      let entry = list[row]
      return BatchItem(location: list.location(of: entry), box: entry.box, defect: entry.defect)
    }
    // As many images as a batch has, but no more than a chunk of the engine's.
    let count = min(extractor.batchSize, 64)
    let first = try extractor.rows(of: Array(sample.prefix(count)))
    let usable = sample.prefix(count).indices.filter { isUsable($0, in: first) }
    if usable.isEmpty { return nil }
    let items = (0..<count).map { sample[usable[$0 % usable.count]] }
    _ = try extractor.rows(of: items)
    let begin = ContinuousClock.now
    var measured = 0
    repeat {
      _ = try extractor.rows(of: items)
      measured += items.count
    } while seconds(since: begin) < limit
    return Calibration(
      imagesPerSecond: Double(measured) / seconds(since: begin), imageCount: measured,
      threadCount: team.threadCount, byteCount: HostMemory.ownByteCount)
  }

  private static func isUsable(_ row: Int, in result: BatchResult) -> Bool {
    result.parts.contains { part in
      part.finished.rows.contains(row)
        && !part.finished.exceptions.contains { $0.row == row && $0.status == .failed }
    }
  }
}
