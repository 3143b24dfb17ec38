internal import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Images
internal import Logging
internal import Tensors

/// Rank 0's part of the job.
extension ExtractionJob {
  /// Hands out the work, takes in the rows and completes the store.
  func coordinate(
    _ opened: Opened, _ begun: Start, _ pipeline: WorkerPipeline?, hosts: [String],
    _ metricsFile: MetricsFile?, start: ContinuousClock.Instant
  ) throws -> ExtractionSummary {
    let (list, writer) = (opened.list, opened.writer)
    let plan = begun.plan
    let queue = WorkQueue(
      unfinished: writer.unfinished, suspects: writer.inFlightAtLastExit,
      batchSize: plan.batchSize)
    let rowsBefore = list.count - queue.remainingRows
    announce(opened, begun, rowsBefore: rowsBefore)
    let coordinator = Coordinator(
      communicator: communicator, writer: writer, queue: queue, local: pipeline, hosts: hosts,
      limits: .init(
        stopAfterSeconds: request.maxHours.map { $0 * 3600 },
        stallAfterSeconds: request.stallTimeoutSeconds,
        imageSeconds: request.imageTimeoutSeconds, failures: request.maxFailures),
      progress: Progress(total: list.count, done: rowsBefore, style: request.progress),
      metricsFile: metricsFile
    ) { assignment in
      let batch = Batch(assignment, of: list)
      // Before anybody computes it: rows of another list must not be recorded as rows of this one.
      try list.requireUnchanged()
      return batch
    }

    var summary = ExtractionSummary()
    var failure: ExtractionError?
    do {
      switch try coordinator.run() {
      case .finished: break
      case .stopped(let reason): summary.stopReason = reason
      case .failed(let end): failure = .endedEarly(text(of: end, list))
      }
    } catch let stall as Stall {
      throw ExtractionError.stalled(text(of: stall, list, hosts))
    } catch {
      try? writer.flush()  // what did arrive stays recorded, whatever ended the run
      throw error
    }
    communicator.activity = Activity(phase: "completing the store")
    try agreeOnEnd(plan, failure)
    summary.rows = list.count
    summary.rowsBefore = rowsBefore
    summary.rowsNow = coordinator.recordedRows
    summary.root = list.absoluteRoot
    summary.add(coordinator, hosts: hosts, start: start)
    summary.gather = begun.isDirect ? .direct : .coordinator
    try record(summary, in: writer)
    if summary.stopReason == nil {
      do { try complete(opened, begun) } catch StoreError.stopped(_, let reason) {
        summary.stopReason = reason
      }
      summary.failedRows = writer.failedRowCount
    } else if begun.isDirect {
      _ = try HashSharing(request.output, opened.provenance, communicator, team).run(nil)
    }
    summary.elapsedSeconds = seconds(since: start)
    try record(summary, in: writer)
    try? metricsFile?.write(coordinator.metrics(state: summary.stopReason == nil ? 1 : 2))
    return summary
  }

  /// Checks and hashes what is written, and makes the store complete.
  ///
  /// - Throws: `StoreError.stopped` where a rank was asked to stop meanwhile.
  private func complete(_ opened: Opened, _ begun: Start) throws {
    PausePoint.rowsAreRecorded()
    let (list, writer) = (opened.list, opened.writer)
    var checks: [ShardCheck]?
    if begun.isDirect {
      let sharing = HashSharing(request.output, opened.provenance, communicator, team)
      checks = try sharing.run(try writer.completionWork())
    }
    try communicator.beating {
      try writer.complete(
        team: hashingTeam, checks: checks,
        list: { row in
          let entry = list[row]
          return (entry.path, entry.label)
        }, confirm: list.requireSameText)
    }
  }

  /// For the hashes of files: the other ranks of this host have nothing more to do, so all processors
  /// that this one may use are free, unless its user wants it to use fewer.
  private var hashingTeam: ThreadTeam {
    let count = ProcessorSet.current.count
    if count <= team.threadCount || facts?.ranks[0]?.threads != nil { return team }
    return ThreadTeam(threadCount: count)
  }

  private func record(_ summary: ExtractionSummary, in writer: StoreWriter) throws {
    try writer.recordRun(
      summary.json(request: request, threads: team.threadCount, size: communicator.size))
  }

  private func announce(_ opened: Opened, _ begun: Start, rowsBefore: Int) {
    let (list, provenance) = (opened.list, opened.provenance)
    log.info(
      """
      \(request.output): \(list.count) images, \
      \(provenance.layers.map(\.name).joined(separator: ", ")) of \
      \(provenance.recipe.model.architecture)\(request.recipe.precision.remark), \
      \(provenance.kernelClass) kernels, \
      \(communicator.size) ranks, \(team.threadCount) threads on the first; rows are written by \
      \(begun.isDirect ? "every rank" : "rank 0")
      """)
    if rowsBefore > 0 { log.info("\(rowsBefore) of \(list.count) rows are recorded already") }
  }

  /// Why the job ended before its list did, and what to do about it.
  private func text(of end: EarlyEnd, _ list: ImageList) -> String {
    func example(_ row: RowException) -> String {
      "row \(row.row), \(list[row.row].path): \(row.message)"
    }
    let root = list.absoluteRoot.map { "; relative paths start from \($0): is that --root right?" }
    switch end {
    case .allFailed(let count, let hosts, let first):
      return """
        \(count == list.count ? "every image failed" : "the first \(count) images all failed") on \
        \(hosts.joined(separator: ", ")): \(example(first))\(root ?? "")
        no file that cannot be read is recorded as failed: correct this, or the --root, and start the \
        same command again; rows that failed otherwise are tried again with --retry-failed
        """
    case .strayHost(let stray):
      return """
        host \(stray.host) cannot read what others can, \(stray.count) files in a row: \
        \(example(stray.example))\(root ?? "")
        recorded rows are kept: make that host see the images, or leave it out, then start the same \
        command again
        """
    case .tooManyFailures(let count, let limit):
      return """
        \(count) images failed, more than --max-failures \(limit); recorded rows are kept: the same \
        command with a larger limit continues, --retry-failed tries the failed rows again
        """
    }
  }

  /// Names the workers that get no further, their hosts and the images they are at.
  private func text(of stall: Stall, _ list: ImageList, _ hosts: [String]) -> String {
    let workers = stall.workers.map { rank, rows in
      "  rank \(rank) on \(hosts[rank]): rows \(rows.lowerBound)–\(rows.upperBound - 1), from "
        + "\(list[rows.lowerBound].path) to \(list[rows.upperBound - 1].path)"
    }
    return """
      these workers live, but have got no further for \(stall.seconds.formatted()) s (--stall-timeout):
      \(workers.joined(separator: "\n"))
      recorded rows are kept; check that these hosts can read these files, then start the same \
      command again
      """
  }
}

extension Batch {
  /// The rows of an assignment, looked up in the list.
  fileprivate init(_ assignment: WorkQueue.Assignment, of list: ImageList) {
    self.init(
      rows: assignment.rows,
      items: assignment.rows.map { row in
        let entry = list[row]
        return BatchItem(
          location: list.location(of: entry), box: entry.box, defect: entry.defect)
      }, isSuspect: assignment.isSuspect)
  }
}

extension ExtractionSummary {
  /// Takes over what the coordinator counted and measured.
  fileprivate mutating func add(
    _ coordinator: Coordinator, hosts: [String], start: ContinuousClock.Instant
  ) {
    failures = coordinator.failures
    missingFiles = coordinator.missingFiles
    countsReadElsewhere = coordinator.countsReadElsewhere
    warnings = coordinator.warnings
    overflows = coordinator.overflows
    elapsedSeconds = seconds(since: start)
    prepareSeconds = coordinator.startedSeconds(after: start)
    workSeconds = coordinator.progress.elapsedSeconds
    pace = coordinator.pace
    gatherSeconds = coordinator.gatherSeconds
    writeSeconds = coordinator.writeSeconds
    ranks = coordinator.timings.map { ($0.rank, hosts[$0.rank], $0.timing) }
  }
}
