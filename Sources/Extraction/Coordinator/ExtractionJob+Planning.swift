internal import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Logging
internal import Tensors

extension ExtractionJob {
  /// Opens the model, or the descriptor, and settles what is computed, the same on every rank.
  func agreeOnPlan() throws -> ExtractionPlan {
    let (source, ownClass) = try communicator.agree {
      if request.dedicatedCoordinator && communicator.size == 1 {
        throw ExtractionError.noWorkers
      }
      return (try communicator.beating { try request.openSource() }, try KernelClass.current)
    }
    if communicator.isRoot {
      for warning in source.warnings { log.warning("\(warning)") }
    }
    let common = try communicator.lowestKernelClass(ownClass)
    let kernelClass = try keptKernelClass() ?? common
    try requireOneSource(source)
    return ExtractionPlan(request, source: source, kernelClass: kernelClass)
  }

  /// Collective.
  ///
  /// - Throws: `modelsDiffer` when ranks read other weights, or words, under the same path.
  private func requireOneSource(_ source: any FeatureSource) throws {
    // All are equal where the largest is the smallest, which is the negated largest negative: one
    // reduction tells. 60 bits of the digest, as the sign takes one.
    let identity = source.recipe.model.architecture + source.recipe.model.sha256
    let prefix = Int64(SHA256Digest(of: Array(identity.utf8)).hexadecimal.prefix(15), radix: 16)!
    var bounds = [prefix, -prefix]
    try communicator.allreduce(&bounds, .maximum)
    try communicator.agree {
      if bounds[0] != -bounds[1] { throw ExtractionError.modelsDiffer(path: source.path) }
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
  /// Opens what makes the features, and checks that it goes with the rest of the request.
  ///
  /// - Throws: errors of the files; `ModelError.unreachableBlob`, `ExtractionError.wrongInputSize`,
  ///   `PrecisionError`, `DescriptorError`.
  package func openSource() throws -> any FeatureSource {
    if let descriptor { return try DescriptorSource(descriptor, recipe) }
    let network = try NetworkSource(
      try Model.open(model, architecture: recipe.architecture), recipe, layers: layers)
    try recipe.precision.requireAvailable()
    return network
  }
}

extension Communicator {
  /// The lowest kernel class of the ranks, which serves all: every row is made alike; collective.
  func lowestKernelClass(_ own: KernelClass) throws -> KernelClass {
    let order = KernelClass.allCases
    var lowest = [Int64(order.firstIndex(of: own)!)]
    try allreduce(&lowest, .minimum)
    return order[Int(lowest[0])]
  }
}
