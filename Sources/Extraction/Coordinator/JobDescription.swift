internal import ConvNet
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
  ///
  /// - Throws: when the transform cannot be written as JSON, which only a defect can cause.
  init(request: ExtractionRequest, list: ImageList, plan: ExtractionPlan) throws {
    self.init(
      list: .init(sha256: list.sha256, rows: list.count),
      recipe: try plan.recipe.completed(by: plan.model),
      layers: plan.outputs.map { blob in
        LayerSpec(
          name: blob.description, fileStem: blob.fileStem,
          shape: plan.model.definition.shape(of: blob).dimensions,
          viewsPerRow: request.recipe.viewsPerRow)
      },
      dtype: request.dtype, rowsPerShard: request.rowsPerShard,
      kernelClass: plan.kernelClass.rawValue, arithmetic: Engine.arithmeticVersion)
  }
}
