internal import FeatureStore
internal import Tensors

/// What is computed, the same on every rank.
struct ExtractionPlan: Sendable {
  let source: any FeatureSource
  /// Values in a row of each output, all views.
  let layerWidths: [Int]
  /// Settled: its transform is the one that images go through.
  let recipe: RecipeOptions
  let dtype: ElementType
  /// Seconds that a suspect image may take in a process of its own.
  let imageTimeoutSeconds: Double
  let kernelClass: KernelClass
  /// As asked for, or less where a batch's rows would take more than `batchByteLimit`.
  let batchSize: Int

  /// Bounds a message between ranks, and with it the memory of batches in flight.
  private static let batchByteLimit = 64 << 20

  init(_ request: ExtractionRequest, source: any FeatureSource, kernelClass: KernelClass) {
    self.source = source
    self.kernelClass = kernelClass
    recipe = source.options
    dtype = request.dtype
    imageTimeoutSeconds = request.imageTimeoutSeconds
    layerWidths = source.layers.map(\.width)
    let rowByteCount = layerWidths.reduce(0, +) * dtype.byteCount
    batchSize = min(request.batchSize, max(1, Self.batchByteLimit / rowByteCount))
  }
}
