internal import Communication
package import ConvNet
internal import FeatureStore
internal import Files
internal import Logging
internal import Tensors

extension ExtractionJob {
  /// Opens the model and settles what is computed, the same on every rank.
  func agreeOnPlan() throws -> ExtractionPlan {
    let (model, recipe, warnings, outputs, ownClass) = try communicator.agree {
      if request.dedicatedCoordinator && communicator.size == 1 {
        throw ExtractionError.noWorkers
      }
      let model = try communicator.beating {
        try Model.open(request.model, architecture: request.recipe.architecture)
      }
      var recipe = request.recipe
      let warnings = try recipe.settle(for: model)
      try recipe.precision.requireAvailable()
      return (model, recipe, warnings, try request.outputs(of: model), try KernelClass.current)
    }
    if communicator.isRoot {
      for warning in model.warnings + warnings { log.warning("\(warning)") }
    }
    let common = try lowestKernelClass(ownClass)
    let kernelClass = try keptKernelClass() ?? common
    try requireOneModel(model)
    return ExtractionPlan(
      request, recipe: recipe, model: model, outputs: outputs, kernelClass: kernelClass)
  }

  /// The lowest kernel class of the ranks, which serves all: every row is made alike; collective.
  private func lowestKernelClass(_ own: KernelClass) throws -> KernelClass {
    let order = KernelClass.allCases
    var lowest = [Int64(order.firstIndex(of: own)!)]
    try communicator.allreduce(&lowest, .minimum)
    return order[Int(lowest[0])]
  }

  /// Collective.
  ///
  /// - Throws: `modelsDiffer` when ranks read other weights under the same path.
  private func requireOneModel(_ model: Model) throws {
    // All are equal where the largest is the smallest, which is the negated largest negative: one
    // reduction tells. 60 bits of the digest, as the sign takes one.
    let identity = model.architecture.rawValue + model.weightsSHA256.hexadecimal
    let prefix = Int64(SHA256Digest(of: Array(identity.utf8)).hexadecimal.prefix(15), radix: 16)!
    var bounds = [prefix, -prefix]
    try communicator.allreduce(&bounds, .maximum)
    try communicator.agree {
      if bounds[0] != -bounds[1] { throw ExtractionError.modelsDiffer(path: request.model) }
    }
  }

  /// The class of the store to continue, if that was asked for and there is one; collective.
  ///
  /// Its rows then stay those of a run that was never interrupted: classes are not mixed in a store.
  private func keptKernelClass() throws -> KernelClass? {
    guard request.keepsKernelClass else { return nil }
    var name: [UInt8] = []
    if communicator.isRoot, let job = StoreWriter.existingJob(request.output) {
      name = Array(job.kernelClass.utf8)
    }
    try communicator.broadcast(&name, root: 0)
    if name.isEmpty { return nil }
    return try communicator.agree {
      let supported = KernelClass.supported
      let name = String(decoding: name, as: UTF8.self)
      guard let kept = KernelClass(rawValue: name), supported.contains(kept) else {
        throw ExtractionError.kernelUnavailable(name, supported: supported)
      }
      return kept
    }
  }
}

extension ExtractionRequest {
  /// The activations to extract: the layers asked for, or those within reach of the network's usual
  /// ones: pool5, fc6 and fc7 of AlexNets.
  ///
  /// - Throws: `ModelError.unreachableBlob`.
  package func outputs(of model: Model) throws -> [BlobName] {
    guard let layers else {
      let defaults = model.architecture.definition.usualBlobs
      let reachable = defaults.filter { model.definition.contains($0) }
      if reachable.isEmpty { try model.requireReachable(defaults[0]) }
      return reachable
    }
    for blob in layers { try model.requireReachable(blob) }
    return layers
  }
}
