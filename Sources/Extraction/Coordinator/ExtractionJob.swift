package import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Images
package import Logging
package import Tensors

/// An extraction from its first check to the complete store, on every rank.
///
/// The way of the data: rank 0 opens list and store and describes the job; every rank opens the
/// model; `Coordinator` and workers run until all rows are recorded; rank 0 completes the store.
package struct ExtractionJob {
  let request: ExtractionRequest
  let communicator: any Communicator
  let team: ThreadTeam
  let log: Logger
  let faults: FaultInjection
  /// What each rank is and runs on; nil when nobody has asked yet.
  let facts: JobFacts?
  /// Rows are zeros, made at once: for measuring everything but the work itself.
  private let makesZeros: Bool

  package init(
    _ request: ExtractionRequest, communicator: any Communicator, team: ThreadTeam, log: Logger,
    facts: JobFacts? = nil, faults: FaultInjection = FaultInjection(), makesZeros: Bool = false
  ) {
    self.request = request
    self.communicator = communicator
    self.team = team
    self.log = log
    self.facts = facts
    self.faults = faults
    self.makesZeros = makesZeros
  }

  /// Runs the job; collective.
  ///
  /// - Returns: what was done, on rank 0; an empty summary elsewhere.
  /// - Throws: `JobFailure` when all ranks know; any other error belongs to this rank alone, and the
  ///   caller must end the whole job.
  package func run() throws -> ExtractionSummary {
    let start = ContinuousClock.now
    communicator.watch.limit = request.stallTimeoutSeconds
    let begun = try lookAround()
    let (opened, metricsFile) = try communicator.agree {
      let metricsFile = communicator.isRoot ? try makeMetricsFile() : nil
      let opened = try begun.reserved.map { reserved in
        try communicator.beating { try open(reserved) }
      }
      return (opened, metricsFile)
    }
    let description = try share(opened)
    if description.isComplete {
      var summary = ExtractionSummary()
      summary.wasComplete = true
      summary.rows = description.provenance.list.rows
      summary.failedRows = opened?.writer.failedRowCount ?? 0
      return summary
    }
    let rowFiles = try communicator.agree {
      begun.isDirect
        ? try RowFiles(
          request.output, provenance: description.provenance, nonce: description.nonce) : nil
    }

    PausePoint.inputsAreOpen()
    communicator.activity = Activity(phase: "extraction")
    let isWorker = !(request.dedicatedCoordinator && communicator.isRoot)
    let pipeline = isWorker ? makePipeline(begun.plan, rowFiles) : nil
    let hosts = try communicator.gather(Array(communicator.hostName.utf8), root: 0)
    guard let opened else {
      try RemoteWorker(
        communicator: communicator, pipeline: pipeline!, imageTimeout: request.imageTimeoutSeconds
      ).run()
      try agreeOnEnd(begun.plan)
      if begun.isDirect {
        try HashSharing(request.output, description.provenance, communicator, team).help()
      }
      return ExtractionSummary()
    }
    return try coordinate(
      opened, begun, pipeline, hosts: hosts.map { String(decoding: $0, as: UTF8.self) },
      metricsFile, start: start)
  }

  private func makeMetricsFile() throws(ExtractionError) -> MetricsFile? {
    do throws(SystemError) {
      guard let path = request.metricsPath else { return nil }
      return try MetricsFile(path)
    } catch { throw .cannotMakeMetrics(error) }
  }

  /// Ends the job where the weights are no longer those that some rank opened, or where rank 0 has
  /// another reason; collective, after all work is done.
  ///
  /// - Throws: `JobFailure`.
  func agreeOnEnd(_ plan: ExtractionPlan, _ failure: ExtractionError? = nil) throws {
    try communicator.agree {
      try plan.source.inputs.requireUnchanged()
      if let failure { throw failure }
    }
  }

  private func makePipeline(_ plan: ExtractionPlan, _ rowFiles: RowFiles?) -> WorkerPipeline {
    let inputs = plan.source.inputs
    if makesZeros {
      return WorkerPipeline(
        makeExtractor: { NullRowMaker(plan) }, faults: faults,
        hostName: communicator.hostName, inputs: inputs, rowFiles: rowFiles)
    }
    let recipe = plan.recipe
    let loader = ImageLoader(
      transform: recipe.transform, views: recipe.views, decode: recipe.decode,
      pixelLimit: request.maxMegapixels * 1_000_000, faults: faults)
    return WorkerPipeline(
      makeExtractor: { [team] in try BatchExtractor(plan, loader: loader, team: team) },
      faults: faults, hostName: communicator.hostName, inputs: inputs, rowFiles: rowFiles)
  }

  /// What rank 0 alone holds.
  struct Opened {
    let list: ImageList
    let writer: StoreWriter
    let provenance: Provenance
  }

  /// Makes or continues the store, on rank 0.
  private func open(_ reserved: Reserved) throws -> Opened {
    let writer: StoreWriter
    switch reserved.store {
    case .complete(let complete): writer = complete
    case .reserved(let reservation): writer = try reservation.open()
    }
    for note in writer.notes { log.warning("\(request.output): \(note)") }
    return Opened(list: reserved.list, writer: writer, provenance: reserved.provenance)
  }

  /// Tells all ranks what rank 0 found; collective.
  private func share(_ opened: Opened?) throws -> JobDescription {
    try communicator.shared(
      opened.map {
        JobDescription(
          provenance: $0.provenance, nonce: $0.writer.nonce, isComplete: $0.writer.isComplete)
      })
  }
}
