internal import Images
internal import Tensors

/// Makes rows of a few images, for this process alone: no other ranks, no store.
final class LoneExtractor {
  private let extractor: BatchExtractor
  private let files = ReadAhead()
  private let state = WorkState()
  /// Images that may be given at a time.
  let batchSize: Int

  init(_ plan: ExtractionPlan, maxMegapixels: Int, team: ThreadTeam) throws {
    let recipe = plan.recipe
    let loader = ImageLoader(
      transform: recipe.transform, views: recipe.views, decode: recipe.decode,
      pixelLimit: maxMegapixels * 1_000_000, faults: FaultInjection())
    extractor = try BatchExtractor(plan, loader: loader, team: team)
    batchSize = plan.batchSize
  }

  deinit { files.close() }

  /// The rows of these images, numbered from 0.
  func rows(of items: [BatchItem]) throws -> BatchResult {
    let first = files.append(items.map(\.location))
    return try extractor.extract(
      Batch(rows: 0..<items.count, items: items, isSuspect: false), files: files,
      firstFile: first, idleSeconds: 0, state: state)
  }
}
