package import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Foundation
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
  private let faults: FaultInjection

  package init(
    _ request: ExtractionRequest, communicator: any Communicator, team: ThreadTeam, log: Logger,
    faults: FaultInjection = FaultInjection()
  ) {
    self.request = request
    self.communicator = communicator
    self.team = team
    self.log = log
    self.faults = faults
  }

  /// Runs the job; collective.
  ///
  /// - Returns: what was done, on rank 0; an empty summary elsewhere.
  /// - Throws: `JobFailure` when all ranks know; any other error belongs to this rank alone, and the
  ///   caller must end the whole job.
  package func run() throws -> ExtractionSummary {
    let start = ContinuousClock.now
    communicator.watch.limit = request.stallTimeoutSeconds
    communicator.activity = Activity(phase: "opening the model")
    let plan = try agreeOnPlan()
    communicator.activity = Activity(phase: "opening list and store")
    let opened = try communicator.agree {
      communicator.isRoot ? try communicator.beating { try openStore(plan) } : nil
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
      request.gather == .direct
        ? try RowFiles(
          request.output, provenance: description.provenance, nonce: description.nonce) : nil
    }

    PausePoint.inputsAreOpen()
    communicator.activity = Activity(phase: "extraction")
    let isWorker = !(request.dedicatedCoordinator && communicator.isRoot)
    let pipeline = isWorker ? makePipeline(plan, rowFiles) : nil
    let hosts = try communicator.gather(Array(communicator.hostName.utf8), root: 0)
    guard let opened else {
      try RemoteWorker(
        communicator: communicator, pipeline: pipeline!, imageTimeout: request.imageTimeoutSeconds
      ).run()
      try agreeOnEnd(plan)
      return ExtractionSummary()
    }
    return try coordinate(
      opened, plan, pipeline, hosts: hosts.map { String(decoding: $0, as: UTF8.self) },
      start: start)
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
    let recipe = plan.recipe
    let loader = ImageLoader(
      transform: recipe.transform, views: recipe.views, decode: recipe.decode,
      pixelLimit: request.maxMegapixels * 1_000_000, faults: faults)
    return WorkerPipeline(
      makeExtractor: { [team] in try BatchExtractor(plan, loader: loader, team: team) },
      faults: faults, hostName: communicator.hostName, inputs: plan.source.inputs,
      rowFiles: rowFiles)
  }

  /// What rank 0 alone holds.
  struct Opened {
    let list: ImageList
    let writer: StoreWriter
    let provenance: Provenance
  }

  /// The list and the store, on rank 0.
  private func openStore(_ plan: ExtractionPlan) throws -> Opened {
    let list = try ImageList(contentsOf: request.list, root: request.root)
    let provenance = Provenance(request: request, list: list, plan: plan)
    let writer = try StoreWriter.open(
      request.output, provenance: provenance, classes: list.classes,
      overwrite: request.overwrite, retryFailed: request.retryFailed,
      root: list.absoluteRoot.map { ImageRoot(path: $0, isMoved: request.isMoved) })
    for note in list.notes { log.warning("\(request.list): \(note)") }
    for note in writer.notes { log.warning("\(request.output): \(note)") }
    return Opened(list: list, writer: writer, provenance: provenance)
  }

  /// Tells all ranks what rank 0 found; collective.
  private func share(_ opened: Opened?) throws -> JobDescription {
    var bytes: [UInt8] = []
    if let opened {
      let description = JobDescription(
        provenance: opened.provenance, nonce: opened.writer.nonce,
        isComplete: opened.writer.isComplete)
      bytes = [UInt8](try JSONEncoder().encode(description))
    }
    try communicator.broadcast(&bytes, root: 0)
    return try JSONDecoder().decode(JobDescription.self, from: Data(bytes))
  }
}
