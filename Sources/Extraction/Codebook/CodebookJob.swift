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
  /// - Parameters:
  ///   - checkpoint: where what is reached is kept, and when; nil for nowhere.
  ///   - isFinished: on rank 0, whether a codebook of this origin is there already.
  /// - Returns: the codebook, the same on every rank; nil where it is there.
  /// - Throws: `CodebookStopped` on every rank; `JobFailure` when all ranks know; any other error belongs
  ///   to this rank alone, and the caller must end the whole job.
  package func run(
    checkpoint: (path: String, schedule: CodebookCheckpointer.Schedule)? = nil,
    unless isFinished: (Codebook.Origin) throws -> Bool
  ) throws -> Codebook? {
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

    let agreed = try share(opened?.origin)
    let sample = try DescriptorSample(opened?.list, request, communicator)
    let checkpointer = try checkpoint.map {
      CodebookCheckpointer(
        $0.path, job: try job(agreed), $0.schedule, communicator: communicator,
        requireSoundInputs: { try opened?.list.requireUnchanged() })
    }
    let start = try checkpointer?.resume(imageCount: sample.imageCount)
    if let start, let checkpoint, communicator.isRoot {
      log.info("the work continues from \(checkpoint.path): \(start.summary)")
    }
    var found = try sample.collect(
      from: start, team: team, kernelClass: kernelClass, pauses: checkpointer, progress)
    let failures = try sample.failures(found)
    if communicator.isRoot, let failure = failures.first {
      log.warning("images that cannot be used: \(failures.count), the first: \(failure)")
    }
    let result = try means(of: &found, kernelClass, checkpointer)
    try communicator.agree { try opened?.list.requireUnchanged() }
    return Codebook(
      words: result.outcome.words, origin: agreed,
      outcome: .init(
        descriptors: result.count, failedImages: failures.count, passes: result.outcome.passes,
        meanSquare: result.outcome.meanSquare))
  }

  /// k-means of what was found, from where that was left; collective.
  private func means(
    of found: inout CodebookProgress, _ kernelClass: KernelClass,
    _ checkpointer: CodebookCheckpointer?
  ) throws -> (outcome: KMeans.Outcome, count: Int) {
    communicator.activity = Activity(phase: "k-means")
    let means = try KMeans(
      found.pieces.flatMap { $0 }, communicator: communicator, team: team,
      kernelClass: kernelClass, progress: progress)
    // They are in `means`: once is enough.
    found.pieces = []
    let rest = found
    let start =
      found.phase == .images
      ? nil
      : KMeans.State(
        words: found.words, squares: found.phase == .words ? found.squares : nil,
        passes: found.passes, meanSquare: found.meanSquare)
    do {
      let outcome = try means.run(
        wordCount: request.wordCount, seed: request.seed, iterations: request.iterations,
        from: start
      ) { state in
        try checkpointer?.pause {
          var progress = rest
          progress.pieces = means.blocks
          progress.phase = state.squares == nil ? .passes : .words
          (progress.words, progress.squares) = (state.words, state.squares ?? [])
          (progress.passes, progress.meanSquare) = (state.passes, state.meanSquare)
          return progress
        }
      }
      return (outcome, means.count)
    } catch let error as CodebookError {
      // Every rank throws it, of the same numbers.
      throw JobFailure(exitStatus: error.exitStatus, description: "\(error)")
    }
  }

  /// What decides the words, and which images they are made of.
  private func job(_ origin: Codebook.Origin) throws -> JSONValue {
    .object([
      "codebook": try JSONValue(encoding: origin),
      "maxMegapixels": .number(Double(request.maxMegapixels)),
    ])
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
