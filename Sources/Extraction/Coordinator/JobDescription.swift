internal import FeatureStore
internal import Files
internal import Foundation
internal import Images
internal import Tensors

/// What rank 0 tells all ranks before work starts.
struct JobDescription: Codable {
  var provenance: Provenance
  /// Written into the store's lock, so that a worker can tell that it sees the same folder.
  var nonce: String
  /// Nothing is left to compute.
  var isComplete: Bool
}

extension Provenance {
  /// The identity of the store that `request` asks for.
  init(request: ExtractionRequest, list: ImageList, plan: ExtractionPlan) {
    self.init(
      list: .init(sha256: list.sha256, rows: list.count),
      recipe: plan.source.recipe, layers: plan.source.layers, dtype: request.dtype,
      rowsPerShard: request.rowsPerShard, kernelClass: plan.kernelClass.rawValue,
      arithmetic: plan.source.arithmeticVersion)
  }
}
