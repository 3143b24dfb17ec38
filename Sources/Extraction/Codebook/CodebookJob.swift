package import Communication
internal import ConvNet
package import Descriptors
internal import FeatureStore
internal import Files
internal import Images
package import Logging
package import Tensors

/// The making of a codebook, on every rank: local descriptors of a sample of the list, then k-means.
package struct CodebookJob {
  private let request: CodebookRequest
  private let communicator: any Communicator
  private let team: ThreadTeam
  private let log: Logger
  private let progress: (_ phase: String, _ done: Int, _ total: Int) -> Void

  package init(
    _ request: CodebookRequest, communicator: any Communicator, team: ThreadTeam, log: Logger,
    progress: @escaping (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) {
    (self.request, self.communicator) = (request, communicator)
    (self.team, self.log, self.progress) = (team, log, progress)
  }

  /// Makes the codebook; collective.
  ///
  /// - Parameter isFinished: on rank 0, whether a codebook of this origin is there already.
  /// - Returns: the codebook, the same on every rank; nil where it is there.
  /// - Throws: `JobFailure` when all ranks know; any other error belongs to this rank alone, and the
  ///   caller must end the whole job.
  package func run(unless isFinished: (Codebook.Origin) throws -> Bool) throws -> Codebook? {
    communicator.activity = Activity(phase: "opening the list")
    let kernelClass = try communicator.lowest { try KernelClass.current }
    let opened = try communicator.agree { () -> (list: ImageList, origin: Codebook.Origin)? in
      guard communicator.isRoot else { return nil }
      let list = try communicator.beating {
        try ImageList(contentsOf: request.list, root: request.root)
      }
      return (list, try origin(of: list, kernelClass))
    }
    var decision: [Int64] = try communicator.agree {
      [try opened.map { try isFinished($0.origin) } == true ? 1 : 0]
    }
    try communicator.allreduce(&decision, .maximum)
    if decision[0] != 0 { return nil }

    let sample = try DescriptorSample(opened?.list, request, communicator)
    let points = try sample.collect(team: team, kernelClass: kernelClass, progress)
    if communicator.isRoot, let failure = points.firstFailure {
      log.warning("images that cannot be used: \(points.failedImages), the first: \(failure)")
    }
    communicator.activity = Activity(phase: "k-means")
    let means = try KMeans(
      points.values, communicator: communicator, team: team, kernelClass: kernelClass,
      progress: progress)
    let result: KMeans.Outcome
    do {
      result = try means.run(
        wordCount: request.wordCount, seed: request.seed, iterations: request.iterations)
    } catch let error as CodebookError {
      // Every rank throws it, of the same numbers.
      throw JobFailure(exitStatus: error.exitStatus, description: "\(error)")
    }
    try communicator.agree { try opened?.list.requireUnchanged() }
    return Codebook(
      words: result.words, origin: try share(opened?.origin),
      outcome: .init(
        descriptors: means.count, failedImages: points.failedImages, passes: result.passes,
        meanSquare: result.meanSquare))
  }

  private func origin(
    of list: ImageList, _ kernelClass: KernelClass
  ) throws -> Codebook.Origin {
    Codebook.Origin(
      transform: try JSONValue(encoding: DescriptorKind.llc.transform),
      decode: request.decode.rawValue, list: list.sha256, rows: list.count,
      wordCount: request.wordCount, sample: request.sample, seed: request.seed,
      iterations: request.iterations, kernelClass: kernelClass)
  }

  /// Gives all ranks what rank 0 has; collective.
  private func share(_ origin: Codebook.Origin?) throws -> Codebook.Origin {
    var bytes = try origin.map { Array(try JSONValue(encoding: $0).compactText.utf8) } ?? []
    try communicator.broadcast(&bytes, root: 0)
    return try JSONValue(parsing: bytes).decoded(Codebook.Origin.self)
  }
}
