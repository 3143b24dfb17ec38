internal import Communication
package import ConvNet
internal import FeatureStore
internal import Files
internal import Tensors

extension ExtractionJob {
  /// What a rank has opened by itself, and what it tells the others of it.
  struct Opening {
    var finding = RankFinding()
    /// Nil where something is wrong.
    var model: Model?
    var outputs: [BlobName] = []
    /// What other ranks of this host may use.
    var digest: Model.KnownDigest?
  }

  /// Opens the model, on all ranks; the weights are read through by one rank of each host. Collective.
  func openModel(_ facts: JobFacts) throws -> Opening {
    let isLeader = facts.leader(of: communicator.rank) == communicator.rank
    var opening = isLeader ? open(known: nil) : Opening()
    // Wrapped, since a nil cannot be told from what another program sends.
    let digests = try communicator.exchange([opening.digest].compactMap(\.self))
    if !isLeader {
      let leader = facts.leader(of: communicator.rank)
      opening = open(known: digests[leader]?.first)
    }
    return opening
  }

  /// - Parameter known: what the host's first rank found.
  private func open(known: Model.KnownDigest?) -> Opening {
    var opening = Opening()
    do {
      if request.dedicatedCoordinator && communicator.size == 1 {
        throw ExtractionError.noWorkers
      }
      let model = try communicator.beating {
        try Model.open(request.model, architecture: request.recipe.architecture, known: known)
      }
      let expected = try model.imageSide()
      let transform = request.recipe.transform
      for found in [transform.inputHeight, transform.inputWidth] where found != expected {
        throw ExtractionError.wrongInputSize(found: found, expected: expected)
      }
      try request.recipe.precision.requireAvailable()
      opening.outputs = try request.outputs(of: model)
      opening.finding.kernelClass = try KernelClass.current.rawValue
      opening.finding.model =
        "\(model.architecture.rawValue), weights \(model.weightsSHA256.hexadecimal.prefix(12))…"
      (opening.finding.ownByteCount, opening.finding.sharedByteCount) = memory(
        model, opening.outputs)
      opening.digest = model.knownDigest
      opening.model = model
    } catch {
      opening.finding.problem = RankFinding.Problem(error)
    }
    return opening
  }

  private static let rankByteCount = 160_000_000

  /// Bytes that a rank takes, about, and those that all ranks of a host share.
  private func memory(_ model: Model, _ outputs: [BlobName]) -> (own: Int, shared: Int) {
    let plan = ExtractionPlan(
      request, model: model, outputs: outputs, kernelClass: KernelClass.allCases[0])
    // Batches in flight, then what a rank was measured to take beside them: transformed weights of
    // convolutions, maps and files read ahead. All other weights are used in the mapped file.
    let batches =
      4 * plan.batchSize * plan.layerWidths.reduce(0, +) * request.dtype.byteCount
    let file = model.inputs.compactMap { try? FileSystem.byteCount(of: $0.path) ?? 0 }.reduce(0, +)
    return (batches + Self.rankByteCount, file)
  }

  /// The lowest kernel class of the ranks, which serves all: every row is made alike.
  ///
  /// - Returns: nil where no rank has told any.
  func lowestKernelClass(_ findings: [RankFinding?]) -> KernelClass? {
    let order = KernelClass.allCases
    let classes = findings.compactMap { $0.flatMap { KernelClass(rawValue: $0.kernelClass) } }
    return classes.min { order.firstIndex(of: $0)! < order.firstIndex(of: $1)! }
  }

  /// The class of the store to continue, if that was asked for and there is one; on rank 0.
  ///
  /// Its rows then stay those of a run that was never interrupted: classes are not mixed in a store.
  var keptKernelClass: String? {
    guard request.keepsKernelClass else { return nil }
    return StoreWriter.existingJob(request.output)?.kernelClass
  }

  /// - Throws: `ExtractionError.kernelUnavailable` when this processor lacks the class.
  func requireKernelClass(_ name: String) throws -> KernelClass {
    let supported = KernelClass.supported
    guard let kept = KernelClass(rawValue: name), supported.contains(kept) else {
      throw ExtractionError.kernelUnavailable(name, supported: supported)
    }
    return kept
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
