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
    var source: (any FeatureSource)?
    /// What other ranks of this host may use.
    var digest: Model.KnownDigest?
  }

  /// Opens what makes the features, on all ranks; weights are read through by one rank of each host.
  /// Collective.
  func openSource(_ facts: JobFacts) throws -> Opening {
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
      let source = try communicator.beating { try request.openSource(known: known) }
      let made = source.recipe.model
      opening.finding.kernelClass = try KernelClass.current.rawValue
      opening.finding.model = "\(made.architecture), numbers \(made.sha256.prefix(12))…"
      (opening.finding.ownByteCount, opening.finding.sharedByteCount) = memory(source)
      opening.digest = source.knownDigest
      opening.source = source
    } catch {
      opening.finding.problem = RankFinding.Problem(error)
    }
    return opening
  }

  private static let rankByteCount = 160_000_000

  /// Bytes that a rank takes, about, and those that all ranks of a host share.
  private func memory(_ source: any FeatureSource) -> (own: Int, shared: Int) {
    let plan = ExtractionPlan(request, source: source, kernelClass: KernelClass.allCases[0])
    // Batches in flight, then what a rank was measured to take beside them: transformed weights of
    // convolutions, maps and files read ahead. All other weights are used in the mapped file.
    let batches =
      4 * plan.batchSize * plan.layerWidths.reduce(0, +) * request.dtype.byteCount
    let file = source.inputs.compactMap { try? FileSystem.byteCount(of: $0.path) ?? 0 }.reduce(0, +)
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
  /// Opens what makes the features, and checks that it goes with the rest of the request.
  ///
  /// - Parameter known: what another process found of the weights' file.
  /// - Throws: errors of the files; `ModelError.unreachableBlob`, `ExtractionError.wrongInputSize`,
  ///   `PrecisionError`, `DescriptorError`.
  package func openSource(known: Model.KnownDigest? = nil) throws -> any FeatureSource {
    if let descriptor { return try DescriptorSource(descriptor, recipe) }
    let model = try Model.open(model, architecture: recipe.architecture, known: known)
    let network = try NetworkSource(model, recipe, layers: layers)
    try recipe.precision.requireAvailable()
    return network
  }
}
