package import ConvNet
package import FeatureStore
package import Files
package import Tensors

/// Activations of a network.
package struct NetworkSource: FeatureSource {
  package let model: Model
  /// The activations, in the order of the store's layers.
  package let outputs: [BlobName]
  package let layers: [LayerSpec]
  package let recipe: FeatureRecipe
  package let options: RecipeOptions
  package let warnings: [String]

  package var arithmeticVersion: Int { Engine.arithmeticVersion }
  package var path: String { model.path }
  package var knownDigest: Model.KnownDigest? { model.knownDigest }
  package var inputs: [InputFile] { model.inputs }
  package var title: String {
    "\(model.path): \(model.architecture.rawValue), weights "
      + "\(model.weightsSHA256.hexadecimal.prefix(12))…"
  }

  /// - Parameters:
  ///   - options: how features are made.
  ///   - layers: nil for the network's usual ones within reach.
  /// - Throws: `ModelError.unreachableBlob`; as `RecipeOptions.settle`; when the transform cannot be written as JSON, which only a
  ///   defect can cause.
  package init(_ model: Model, _ options: RecipeOptions, layers: [BlobName]?) throws {
    self.model = model
    let outputs = try Self.outputs(of: model, layers)
    self.outputs = outputs
    var options = options
    warnings = model.warnings.map { "\($0)" } + (try options.settle(for: model))
    self.options = options
    recipe = try options.completed(by: model)
    self.layers = outputs.map { blob in
      LayerSpec(
        name: blob.description, fileStem: blob.fileStem,
        shape: model.definition.shape(of: blob).dimensions, viewsPerRow: options.viewsPerRow)
    }
  }

  /// The layers asked for, or those within reach of the network's usual ones: pool5, fc6 and fc7 of
  /// AlexNets.
  private static func outputs(of model: Model, _ layers: [BlobName]?) throws -> [BlobName] {
    guard let layers else {
      let defaults = model.architecture.definition.usualBlobs
      let reachable = defaults.filter { model.definition.contains($0) }
      if reachable.isEmpty { try model.requireReachable(defaults[0]) }
      return reachable
    }
    for blob in layers { try model.requireReachable(blob) }
    return layers
  }

  package func makeMaker(
    capacity: Int, inputCapacity: Int, team: ThreadTeam, kernelClass: KernelClass
  ) throws -> any FeatureMaker {
    try Engine(
      model: model, outputs: outputs, capacity: capacity, inputCapacity: inputCapacity,
      precision: options.precision, team: team, kernelClass: kernelClass)
  }
}

extension Engine: FeatureMaker {
  package func input(_ number: Int, _ layout: MapLayout) -> ImagePlace {
    let place = input(number)
    precondition(place.layout.activationCount == layout.activationCount, "inputs of one size")
    return place
  }
}
