package import Communication
package import ConvNet
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
  private let request: ExtractionRequest
  private let communicator: any Communicator
  private let team: ThreadTeam
  private let log: Logger
  /// The exit status that stands for an error, for steps all ranks must agree on.
  private let status: (any Error) -> Int32

  package init(
    _ request: ExtractionRequest, communicator: any Communicator, team: ThreadTeam, log: Logger,
    status: @escaping (any Error) -> Int32
  ) {
    self.request = request
    self.communicator = communicator
    self.team = team
    self.log = log
    self.status = status
  }

  /// Runs the job; collective.
  ///
  /// - Returns: what was done, on rank 0; an empty summary elsewhere.
  /// - Throws: `JobFailure` when all ranks know; any other error belongs to this rank alone, and the
  ///   caller must end the whole job.
  package func run() throws -> ExtractionSummary {
    let start = ContinuousClock.now
    let plan = try agreeOnPlan()
    let opened = try communicator.agree(status: status) { try openStore(plan) }
    let description = try share(opened, plan)
    if description.isComplete {
      var summary = ExtractionSummary()
      summary.wasComplete = true
      summary.rows = description.provenance.list.rows
      summary.failedRows = opened?.writer.failedRowCount ?? 0
      return summary
    }
    let rowFiles = try communicator.agree(status: status) {
      request.gather == .direct
        ? try RowFiles(
          request.output, provenance: description.provenance, nonce: description.nonce) : nil
    }

    let isWorker = !(request.dedicatedCoordinator && communicator.isRoot)
    let pipeline = isWorker ? makePipeline(plan, rowFiles) : nil
    let hosts = try communicator.gather(Array(communicator.hostName.utf8), root: 0)
    guard let opened else {
      try RemoteWorker(communicator: communicator, pipeline: pipeline!).run()
      return ExtractionSummary()
    }
    return try coordinate(
      opened, pipeline, hosts: hosts.map { String(decoding: $0, as: UTF8.self) }, start: start)
  }

  // MARK: - What every rank needs

  private struct Plan {
    let model: Model
    let outputs: [BlobName]
    let kernelClass: KernelClass
    /// As asked for, or less where a batch's rows would take more than `batchByteLimit`.
    let batchSize: Int
  }

  /// Bounds a message between ranks, and with it the memory of batches in flight.
  private static let batchByteLimit = 64 << 20

  /// Opens the model and settles what is computed, the same on every rank.
  private func agreeOnPlan() throws -> Plan {
    let (model, outputs, ownClass) = try communicator.agree(status: status) {
      if request.dedicatedCoordinator && communicator.size == 1 {
        throw ExtractionError.noWorkers
      }
      let model = try Model.open(request.model, architecture: request.recipe.architecture)
      let expected = NetworkDefinition.inputShape.width
      guard request.recipe.transform.inputSize == expected else {
        throw ExtractionError.wrongInputSize(
          found: request.recipe.transform.inputSize, expected: expected)
      }
      try request.recipe.precision.requireAvailable()
      return (model, try request.outputs(of: model), try KernelClass.current)
    }
    if communicator.isRoot {
      for warning in model.warnings { log.warning("\(warning)") }
    }
    // The lowest class among the ranks serves all, so that every row is made alike.
    let order = KernelClass.allCases
    var lowest = [Int64(order.firstIndex(of: ownClass)!)]
    try communicator.allreduce(&lowest, .minimum)
    let kernelClass = try keptKernelClass() ?? order[Int(lowest[0])]

    let prefix = Int64(model.weightsSHA256.hexadecimal.prefix(15), radix: 16)!
    var bounds = [prefix, -prefix]
    try communicator.allreduce(&bounds, .maximum)
    try communicator.agree(status: status) {
      if bounds[0] != -bounds[1] { throw ExtractionError.modelsDiffer(path: request.model) }
    }
    let rowByteCount =
      outputs.reduce(0) { $0 + model.definition.shape(of: $1).count } * request.dtype.byteCount
      * request.recipe.viewsPerRow
    return Plan(
      model: model, outputs: outputs, kernelClass: kernelClass,
      batchSize: min(request.batchSize, max(1, Self.batchByteLimit / rowByteCount)))
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
    return try communicator.agree(status: status) {
      let supported = KernelClass.supported
      let name = String(decoding: name, as: UTF8.self)
      guard let kept = KernelClass(rawValue: name), supported.contains(kept) else {
        throw ExtractionError.kernelUnavailable(name, supported: supported)
      }
      return kept
    }
  }

  private func makePipeline(_ plan: Plan, _ rowFiles: RowFiles?) -> WorkerPipeline {
    let loader = ImageLoader(
      transform: request.recipe.transform, views: request.recipe.views,
      decode: request.recipe.decode,
      faults: FaultInjection())
    return WorkerPipeline(
      makeExtractor: { [request, team] in
        try BatchExtractor(
          model: plan.model, outputs: plan.outputs, loader: loader, dtype: request.dtype,
          batchSize: plan.batchSize, precision: request.recipe.precision, team: team,
          kernelClass: plan.kernelClass)
      }, rowFiles: rowFiles)
  }

  // MARK: - Rank 0

  private struct Opened {
    let list: ImageList
    let writer: StoreWriter
    let provenance: Provenance
    let batchSize: Int
  }

  /// The list and the store, on rank 0; nil elsewhere.
  private func openStore(_ plan: Plan) throws -> Opened? {
    guard communicator.isRoot else { return nil }
    let list = try ImageList(contentsOf: request.list, root: request.root)
    let provenance = try Provenance(
      request: request, list: list, model: plan.model, outputs: plan.outputs,
      kernelClass: plan.kernelClass)
    let writer = try StoreWriter.open(
      request.output, provenance: provenance, classes: list.classes,
      overwrite: request.overwrite, retryFailed: request.retryFailed)
    return Opened(
      list: list, writer: writer, provenance: provenance, batchSize: plan.batchSize)
  }

  private func share(_ opened: Opened?, _ plan: Plan) throws -> JobDescription {
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

  private func coordinate(
    _ opened: Opened, _ pipeline: WorkerPipeline?, hosts: [String],
    start: ContinuousClock.Instant
  ) throws -> ExtractionSummary {
    let (list, writer) = (opened.list, opened.writer)
    let queue = WorkQueue(
      unfinished: writer.unfinished, suspects: writer.inFlightAtLastExit,
      batchSize: opened.batchSize)
    let rowsBefore = list.count - queue.remainingRows
    log.info(
      """
      \(request.output): \(list.count) images, \
      \(opened.provenance.layers.map(\.name).joined(separator: ", ")) of \
      \(opened.provenance.recipe.model.architecture)\(request.recipe.precision.remark), \
      \(opened.provenance.kernelClass) kernels, \
      \(communicator.size) ranks, \(team.threadCount) threads on the first
      """)
    if rowsBefore > 0 { log.info("\(rowsBefore) of \(list.count) rows are recorded already") }
    let coordinator = Coordinator(
      communicator: communicator, writer: writer, queue: queue, local: pipeline,
      limits: .init(
        stopAfterSeconds: request.maxHours.map { $0 * 3600 },
        stallAfterSeconds: request.stallTimeoutSeconds),
      progress: Progress(total: list.count, done: rowsBefore, style: request.progress)
    ) { assignment in
      Batch(
        rows: assignment.rows,
        items: assignment.rows.map { row in
          let entry = list[row]
          return BatchItem(
            location: list.location(of: entry), box: entry.box, defect: entry.defect)
        }, isSuspect: assignment.isSuspect)
    }

    var summary = ExtractionSummary()
    do {
      if case .stopped(let reason) = try coordinator.run() { summary.stopReason = reason }
    } catch let stall as Stall {
      throw ExtractionError.stalled(text(of: stall, list, hosts))
    } catch {
      try? writer.flush()  // what did arrive stays recorded, whatever ended the run
      throw error
    }
    if summary.stopReason == nil {
      try writer.complete(team: team) { row in
        let entry = list[row]
        return (entry.path, entry.label)
      }
      summary.failedRows = writer.failedRowCount
    }
    summary.rows = list.count
    summary.rowsBefore = rowsBefore
    summary.failures = coordinator.failures
    summary.warnings = coordinator.warnings
    summary.overflows = coordinator.overflows
    summary.elapsedSeconds = seconds(since: start)
    summary.prepareSeconds = coordinator.startedSeconds(after: start)
    summary.gatherSeconds = coordinator.gatherSeconds
    summary.writeSeconds = coordinator.writeSeconds
    summary.ranks = coordinator.timings.map { ($0.rank, hosts[$0.rank], $0.timing) }
    try writer.recordRun(
      summary.json(request: request, threads: team.threadCount, size: communicator.size))
    return summary
  }

  /// Names the silent workers, their hosts and the images they are at.
  private func text(of stall: Stall, _ list: ImageList, _ hosts: [String]) -> String {
    let workers = stall.workers.map { rank, rows in
      "  rank \(rank) on \(hosts[rank]): rows \(rows.lowerBound)–\(rows.upperBound - 1), from "
        + "\(list[rows.lowerBound].path) to \(list[rows.upperBound - 1].path)"
    }
    return """
      no image was finished for \(Int(stall.seconds)) s (--stall-timeout); silent workers:
      \(workers.joined(separator: "\n"))
      recorded rows are kept; check that these hosts can read these files, then start the same \
      command again
      """
  }
}

extension ExtractionRequest {
  /// The activations to extract: the layers asked for, or those of pool5, fc6 and fc7 within reach.
  ///
  /// - Throws: `ModelError.unreachableBlob`.
  package func outputs(of model: Model) throws -> [BlobName] {
    guard let layers else {
      let defaults = try ["pool5", "fc6", "fc7"].map { try BlobName(parsing: $0) }
      let reachable = defaults.filter { model.definition.contains($0) }
      if reachable.isEmpty { try model.requireReachable(defaults[0]) }
      return reachable
    }
    for blob in layers { try model.requireReachable(blob) }
    return layers
  }
}
