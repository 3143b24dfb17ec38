internal import Communication
internal import FeatureStore
internal import Images

/// Rank 0's loop: hands out batches on demand, takes rows in, writes and journals them.
///
/// Runs on the thread that owns the communicator and computes nothing; the worker of rank 0, when
/// there is one, is a pipeline on threads of its own.
final class Coordinator {
  /// How the loop ended.
  enum Outcome: Equatable {
    case finished
    /// Stopped early, everything so far kept; why.
    case stopped(String)
    /// There is no sense in going on; everything so far kept.
    case failed(EarlyEnd)
  }

  /// Limits a user can set on a run.
  struct Limits {
    var stopAfterSeconds: Double?
    var stallAfterSeconds: Double
    /// Seconds that an image may be decoded.
    var imageSeconds: Double
    /// Rows of the store that may fail; nil for any number.
    var failures: Int?
  }

  private struct Worker {
    var inFlight: [Range<Int>] = []
    /// When its first batch was given, a batch finished, or an image went on.
    var lastStep = ContinuousClock.now
    var imageSteps = 0
    var timing = WorkTiming()
  }

  /// Batches a worker has beyond the one it computes: its credit.
  ///
  /// One is being read from the disk while another is computed, and the next order is on its way
  /// while a result is: with one ahead, a worker would read nothing from the moment it finishes a
  /// batch until rank 0, which may be writing, has answered. More would only make the end uneven,
  /// memory larger (a batch's rows may take 64 MB) and more rows suspects after a crash. A bound there
  /// must be: "Any pending communication operation consumes system resources that are limited" (MPI,
  /// section 3.5), so what a rank has not yet received must not grow with the list.
  private static let batchesAhead = 2

  private let communicator: any Communicator
  private let writer: StoreWriter
  private let local: WorkerPipeline?
  private let limits: Limits
  private let makeBatch: (WorkQueue.Assignment) throws -> Batch
  private var queue: WorkQueue
  private var progress: Progress
  private var workers: [Int: Worker]
  private let hosts: [String]
  private var unreadable: UnreadableRows
  private var failureWatch: FailureWatch
  private var earlyEnd: EarlyEnd?
  private let start = ContinuousClock.now
  private var stopReason: String?
  private var stopTime: ContinuousClock.Instant?
  /// Taking in rows from other ranks, and writing and recording rows: seconds of this thread.
  private(set) var gatherSeconds = 0.0
  private(set) var writeSeconds = 0.0
  /// Rows recorded by this run.
  private(set) var recordedRows = 0

  /// - Parameters:
  ///   - hosts: by rank.
  ///   - local: the worker of rank 0; nil when that rank only coordinates.
  ///   - makeBatch: looks the rows of an assignment up in the list; throws where that has changed.
  init(
    communicator: any Communicator, writer: StoreWriter, queue: WorkQueue, local: WorkerPipeline?,
    hosts: [String], limits: Limits, progress: Progress,
    makeBatch: @escaping (WorkQueue.Assignment) throws -> Batch
  ) {
    self.communicator = communicator
    self.writer = writer
    self.queue = queue
    self.local = local
    self.limits = limits
    self.progress = progress
    self.makeBatch = makeBatch
    workers = Dictionary(
      uniqueKeysWithValues: ((local == nil ? 1 : 0)..<communicator.size).map { ($0, Worker()) })
    precondition(!workers.isEmpty, "somebody has to work")
    self.hosts = hosts
    unreadable = UnreadableRows(
      hostOfRank: workers.reduce(into: [:]) { $0[$1.key] = hosts[$1.key] },
      batchSize: queue.batchSize)
    failureWatch = FailureWatch(
      limit: limits.failures, failedCount: writer.failedRowCount,
      hasSucceeded: writer.hasSucceededRows)
  }

  /// Runs until all rows are recorded or a stop was asked for and every batch in hand is recorded.
  ///
  /// - Throws: `InputChangedError` of the list, `WorkerFailure` of the local worker, `StoreError` when
  ///   the store cannot be written, `Stall` when a worker gets no further for too long,
  ///   `UnansweredStop`, `SilentRanks`, `CommunicationError`.
  func run() throws -> Outcome {
    var backoff = Backoff()
    while true {
      var isIdle = try !receive()
      isIdle = try !handOut() && isIdle
      try write { () throws(StoreError) in try writer.flushIfDue() }
      try noticeRequestsToStop()
      progress.show()
      let isWorking = workers.values.contains { !$0.inFlight.isEmpty }
      if !isWorking && (isAllHandedOut || isEnding) { break }
      if isWorking {
        if !isEnding { try local?.requireProgress(limits.imageSeconds) }
        try checkForStall()
        try endWaitAfterStop()
      }
      if isIdle { backoff.wait() } else { backoff.reset() }
    }
    if isAllHandedOut && !isEnding { try giveUpHopelessRows() }
    try write(writer.flush)
    for rank in 1..<max(communicator.size, 1) { try send(.finish, to: rank) }
    local?.close()
    try communicator.flush()
    progress.finish()
    if let earlyEnd { return .failed(earlyEnd) }
    return writer.unfinished.isEmpty ? .finished : .stopped(stopReason ?? "unknown")
  }

  private var isAllHandedOut: Bool { queue.isEmpty && unreadable.isEmpty }
  private var isEnding: Bool { stopReason != nil || earlyEnd != nil }

  /// Records the rows that nobody could read, once all others are: until then a job that ends early, or
  /// is stopped, leaves them to the next run.
  private func giveUpHopelessRows() throws {
    let rows = unreadable.hopelessRows
    if rows.isEmpty { return }
    if let nothing = failureWatch.nothingWorks {
      earlyEnd = nothing
      return
    }
    try write { () throws(StoreError) in try writer.recordFailed(rows) }
    recordedRows += rows.count
  }

  /// Seconds from `instant` to the first batch.
  func startedSeconds(after instant: ContinuousClock.Instant) -> Double {
    (start - instant) / .seconds(1)
  }

  /// Each working rank's totals.
  var timings: [(rank: Int, timing: WorkTiming)] {
    workers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.timing) }
  }

  /// Failed images of this run by cause.
  var failures: [String: Int] { progress.failures }
  /// Failed images of this run whose files are not there.
  var missingFiles: Int { progress.missingFiles }
  /// Files that a host could not read and another could, by host.
  var countsReadElsewhere: [String: Int] { unreadable.countsReadElsewhere }
  /// Images of this run that decoded with a warning.
  var warnings: Int { progress.warnings }
  /// Values of this run beyond the range of float16.
  var overflows: Int { progress.overflows }

  /// Takes in what has arrived; whether anything had.
  private func receive() throws -> Bool {
    var hasArrived = false
    // Everything that is there, before anything is handed out: a result frees credit. Messages of one
    // rank come in the order they were sent ("Messages are non-overtaking", MPI, section 3.5), so a
    // worker's request to stop comes after the results it had.
    while true {
      let begin = ContinuousClock.now
      guard let message = try communicator.receive(tag: WorkerReport.tag) else { break }
      hasArrived = true
      let report = try WorkerReport(decoding: message.bytes)
      gatherSeconds += seconds(since: begin)
      switch report {
      case .finished(let result): try record(result, from: message.source)
      case .stopRequested(let signal): try stop("\(signal) on rank \(message.source)")
      case .abandoned: try takeBack(from: message.source)
      }
    }
    while let event = local?.poll() {
      hasArrived = true
      // Late results of what was taken back after a stop.
      if workers[0]!.inFlight.isEmpty { continue }
      switch event {
      case .finished(let result): try record(result, from: 0)
      case .failed(let rows, let error): throw WorkerFailure(rows: rows, cause: error)
      }
    }
    return hasArrived
  }

  private func record(_ result: BatchResult, from rank: Int) throws {
    guard let index = workers[rank]?.inFlight.firstIndex(of: result.rows) else {
      throw ByteCodecError.invalid("rows \(result.rows) that rank \(rank) was not given")
    }
    try write { () throws(StoreError) in
      for part in result.parts {
        try writer.recordFinished(part.finished, rows: part.data.isEmpty ? nil : part.data)
      }
      let returned =
        result.unreadable.map { $0.row..<$0.row + 1 }
        + (result.returned.isEmpty ? [] : [result.returned])
      if !returned.isEmpty { try writer.recordReturned(returned) }
    }
    workers[rank]!.inFlight.remove(at: index)
    workers[rank]!.lastStep = .now
    workers[rank]!.timing += result.timing
    count(result, from: rank)
  }

  private func count(_ result: BatchResult, from rank: Int) {
    let lost = unreadable.note(
      read: result.parts.map(\.finished.rows), unreadable: result.unreadable, from: rank)
    var failed = lost
    var succeeded = 0
    for part in result.parts {
      let partFailed = part.finished.exceptions.filter { $0.status == .failed }
      failed += partFailed
      succeeded += part.finished.rows.count - partFailed.count
      recordedRows += part.finished.rows.count
      progress.add(part.finished)
    }
    progress.add(hopeless: lost)
    failureWatch.add(succeeded: succeeded, failed: failed, host: hosts[rank])
    earlyEnd = earlyEnd ?? unreadable.stray.map { .strayHost($0) } ?? failureWatch.reason
  }

  /// Counts the time that `body` takes as writing.
  private func write(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    let begin = ContinuousClock.now
    defer { writeSeconds += seconds(since: begin) }
    try body()
  }

  /// Gives every worker its due; whether anything was given.
  private func handOut() throws -> Bool {
    if isEnding { return false }
    var hasGiven = false
    // All credit at once, so that batches shrink in time for the last round.
    let sharers = workers.count * (Self.batchesAhead + 1)
    // Round by round, the least busy first, so that a short list is spread over all ranks.
    for depth in 0...Self.batchesAhead {
      for rank in workers.keys.sorted() where workers[rank]!.inFlight.count == depth {
        // What another host could not read comes first: how it ends decides about that host.
        let again = unreadable.next(for: rank).map {
          WorkQueue.Assignment(rows: $0, isSuspect: false)
        }
        guard let assignment = again ?? queue.next(sharers: sharers) else { continue }
        let batch = try makeBatch(assignment)
        // Before it is sent: a rank that dies of an image must find it accused.
        try writer.recordStarted(assignment.rows)
        workers[rank]!.inFlight.append(assignment.rows)
        if workers[rank]!.inFlight.count == 1 { workers[rank]!.lastStep = .now }
        if rank == 0 { local!.submit(batch) } else { try send(.extract(batch), to: rank) }
        hasGiven = true
      }
    }
    return hasGiven
  }

  private func noticeRequestsToStop() throws {
    if let signal = StopSignal.name { try stop(signal) }
    if let limit = limits.stopAfterSeconds, seconds(since: start) >= limit {
      try stop("--max-hours")
    }
  }

  /// Asks everybody to finish the images in hand; nothing more is handed out.
  private func stop(_ reason: String) throws {
    if stopReason != nil { return }
    stopReason = reason
    stopTime = .now
    for rank in workers.keys where rank != 0 { try send(.stop, to: rank) }
    local?.stop()
  }

  /// Takes back all that a worker was given: nothing of it has come, and nothing will.
  private func takeBack(from rank: Int) throws {
    guard let rows = workers[rank]?.inFlight, !rows.isEmpty else { return }
    try write { () throws(StoreError) in try writer.recordReturned(rows) }
    workers[rank]!.inFlight = []
  }

  /// After a stop nobody is waited for without end: this rank's own worker may be at an image that
  /// takes too long, and others may be gone.
  private func endWaitAfterStop() throws {
    guard let stopTime else { return }
    if local != nil, seconds(since: stopTime) > StopLimits.image { try takeBack(from: 0) }
    if seconds(since: stopTime) <= StopLimits.answer { return }
    let unanswering = workers.filter { !$0.value.inFlight.isEmpty }.keys.sorted()
    if unanswering.isEmpty { return }
    for rank in unanswering { try takeBack(from: rank) }
    try write(writer.flush)
    throw UnansweredStop(reason: stopReason!, ranks: unanswering.map { ($0, hosts[$0]) })
  }

  /// Ends the job where a worker gets no further, whatever the others do.
  private func checkForStall() throws {
    for rank in workers.keys {
      let steps = rank == 0 ? local!.imageSteps : communicator.watch[rank]!.activity.images
      if steps != workers[rank]!.imageSteps {
        workers[rank]!.imageSteps = steps
        workers[rank]!.lastStep = .now
      }
    }
    let stuck = workers.filter { rank, worker in
      !worker.inFlight.isEmpty && seconds(since: worker.lastStep) > limits.stallAfterSeconds
        && isHeardOf(rank)
    }
    if stuck.isEmpty { return }
    try writer.flush()
    throw Stall(
      seconds: limits.stallAfterSeconds,
      workers: stuck.sorted { $0.key < $1.key }.map { rank, worker in (rank, worker.inFlight[0]) })
  }

  /// Whether a rank lives as far as is known; one that does not is the watch's to name.
  private func isHeardOf(_ rank: Int) -> Bool {
    rank == 0
      || seconds(since: communicator.watch[rank]!.heard) < limits.stallAfterSeconds / 2
  }

  private func send(_ order: WorkerOrder, to rank: Int) throws {
    try communicator.send(order.encoded, to: rank, tag: WorkerOrder.tag)
  }
}
