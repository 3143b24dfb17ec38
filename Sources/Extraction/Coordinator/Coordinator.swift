internal import Communication
internal import FeatureStore
internal import Files
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

  struct Worker {
    /// What it was given and is not recorded.
    var inFlight: [Range<Int>] = []
    /// Of these, what has come back and is being written.
    var arrived: Set<Range<Int>> = []
    /// Of these, what it has still to do.
    var awaited: [Range<Int>] { inFlight.filter { !arrived.contains($0) } }
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

  let communicator: any Communicator
  let writer: StoreWriter
  /// Writes rows that arrive with their results; none where workers write their own.
  private let rowWriter: RowWriter
  private let writerEvents: Channel<RowWriter.Event>
  /// When rows were last written, or none waited for it.
  var lastWritten = ContinuousClock.now
  let local: WorkerPipeline?
  let limits: Limits
  private let makeBatch: (WorkQueue.Assignment) throws -> Batch
  private var queue: WorkQueue
  private(set) var progress: Progress
  var workers: [Int: Worker]
  let hosts: [String]
  private var unreadable: UnreadableRows
  private var failureWatch: FailureWatch
  private var earlyEnd: EarlyEnd?
  private let metricsFile: MetricsFile?
  private let start = ContinuousClock.now
  var stopReason: String?
  var stopTime: ContinuousClock.Instant?
  /// Taking in rows from other ranks, and writing and recording rows: seconds of this thread.
  private(set) var gatherSeconds = 0.0
  private(set) var writeSeconds = 0.0
  /// Rows recorded by this run.
  private(set) var recordedRows = 0
  /// How they came.
  private(set) var pace = Pace()

  /// - Parameters:
  ///   - hosts: by rank.
  ///   - local: the worker of rank 0; nil when that rank only coordinates.
  ///   - makeBatch: looks the rows of an assignment up in the list; throws where that has changed.
  init(
    communicator: any Communicator, writer: StoreWriter, queue: WorkQueue, local: WorkerPipeline?,
    hosts: [String], limits: Limits, progress: Progress, metricsFile: MetricsFile? = nil,
    makeBatch: @escaping (WorkQueue.Assignment) throws -> Batch
  ) {
    self.communicator = communicator
    self.writer = writer
    let events = Channel<RowWriter.Event>()
    writerEvents = events
    rowWriter = RowWriter(writer.makeRowFiles(), checking: writer.layerNames) { events.push($0) }
    self.queue = queue
    self.local = local
    self.limits = limits
    self.progress = progress
    self.metricsFile = metricsFile
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
    defer { rowWriter.close() }
    while true {
      var isIdle = try !receive()
      isIdle = try !handOut() && isIdle
      try write { () throws(StoreError) in try writer.flushIfDue() }
      try noticeRequestsToStop()
      progress.show()
      // A disk that does not take metrics is no reason to end the job.
      if metricsFile?.isDue() == true { try? metricsFile?.write(metrics()) }
      let isWorking = workers.values.contains { !$0.inFlight.isEmpty }
      if !isWorking && (isAllHandedOut || isEnding) { break }
      if isWorking {
        if !isEnding { try local?.requireProgress(limits.imageSeconds) }
        try checkForStall()
        try checkDisk(isEnding ? StopLimits.answer : limits.stallAfterSeconds)
        try endWaitAfterStop()
      }
      if isIdle {
        backoff.wait(try communicator.transfer())
      } else {
        backoff.reset()
      }
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

  /// Takes in what has arrived and what is written; whether anything had.
  private func receive() throws -> Bool {
    var hasArrived = try recordWritten()
    // Everything that is there, before anything is handed out: a result frees credit. Messages of one
    // rank come in the order they were sent ("Messages are non-overtaking", MPI, section 3.5), so a
    // worker's request to stop comes after the results it had.
    while true {
      let begin = ContinuousClock.now
      guard let message = try communicator.receive(tag: WorkerReport.tag) else { break }
      hasArrived = true
      let report = try WorkerReport(decoding: message.body)
      gatherSeconds += seconds(since: begin)
      switch report {
      case .finished(let result): try take(result, from: message.source)
      case .stopRequested(let signal): try stop("\(signal) on rank \(message.source)")
      case .abandoned: try takeBack(from: message.source)
      }
    }
    while let event = local?.poll() {
      hasArrived = true
      // Late results of what was taken back after a stop.
      if workers[0]!.awaited.isEmpty { continue }
      switch event {
      case .finished(let result): try take(result, from: 0)
      case .failed(let rows, let error): throw WorkerFailure(rows: rows, cause: error)
      }
    }
    return hasArrived
  }

  /// Has the rows of a result written, and then recorded; records at once what is written.
  private func take(_ result: BatchResult, from rank: Int) throws {
    guard workers[rank]?.awaited.contains(result.rows) == true else {
      throw ByteCodecError.invalid("rows \(result.rows) that rank \(rank) was not given")
    }
    if result.parts.allSatisfy(\.data.isEmpty) { return try record(result, from: rank) }
    let count = writer.layerNames.count
    guard
      result.parts.allSatisfy({ $0.data.count == count && $0.finished.checksums.count == count })
    else { throw ByteCodecError.invalid("rows of other layers from rank \(rank)") }
    workers[rank]!.arrived.insert(result.rows)
    workers[rank]!.lastStep = .now
    rowWriter.write(result, from: rank)
  }

  /// Records what is on the device; whether anything is.
  private func recordWritten() throws -> Bool {
    var hasWritten = false
    while let event = writerEvents.poll() {
      hasWritten = true
      lastWritten = .now
      switch event {
      case .written(var item):
        writeSeconds += item.result.timing.writeSeconds
        item.result.timing.writeSeconds = 0
        try record(item.result, from: item.rank)
      case .failed(_, let error): throw error
      }
    }
    return hasWritten
  }

  private func record(_ result: BatchResult, from rank: Int) throws {
    let index = workers[rank]!.inFlight.firstIndex(of: result.rows)!
    try write { () throws(StoreError) in
      for part in result.parts { try writer.recordFinished(part.finished, rows: nil) }
      let returned =
        result.unreadable.map { $0.row..<$0.row + 1 }
        + (result.returned.isEmpty ? [] : [result.returned])
      if !returned.isEmpty { try writer.recordReturned(returned) }
    }
    workers[rank]!.inFlight.remove(at: index)
    workers[rank]!.arrived.remove(result.rows)
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
    pace.note(rows: recordedRows, at: progress.elapsedSeconds)
    failureWatch.add(succeeded: succeeded, failed: failed, host: hosts[rank])
    earlyEnd = earlyEnd ?? unreadable.stray.map { .strayHost($0) } ?? failureWatch.reason
  }

  /// Counts the time that `body` takes as writing.
  func write(_ body: () throws(StoreError) -> Void) throws(StoreError) {
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

  private func send(_ order: WorkerOrder, to rank: Int) throws {
    try communicator.send(order.encoded, to: rank, tag: WorkerOrder.tag)
  }
}
