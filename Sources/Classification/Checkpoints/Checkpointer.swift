package import Communication
internal import FeatureStore
internal import Files
internal import Tensors

/// Keeps what training has reached in a file, so that it can stop and continue.
///
/// A training is a sequence of phases. Solvers call `pause` wherever they could go on from a record,
/// and `resume` when they begin. All ranks decide alike whether to write and whether to stop; rank 0
/// reads and writes.
package final class Checkpointer {
  /// Which part of a training a record belongs to.
  enum Phase: String {
    /// A fold of cross-validation.
    case fold
    /// A fold of the squared hinge, by its dual.
    case dualFold
    /// Training the squared hinge by its dual.
    case dual
    /// Training by L-BFGS.
    case descent
    /// Training in terms of the rows.
    case rows
  }

  /// When to write and when to stop.
  package struct Schedule {
    /// The least time between two writes that nobody asked for.
    package var interval: Duration
    /// Why to stop, asked for again and again; nil for going on.
    package var stopReason: @Sendable () -> String?
    /// Throws where what training reads has changed, on any rank: what it has reached then is of
    /// no training, and is not written. Collective.
    package var requireSoundInputs: () throws -> Void
    /// Gets to know what went wrong and does not matter much.
    package var warn: (String) -> Void

    package init(
      interval: Duration, stopReason: @escaping @Sendable () -> String? = { nil },
      requireSoundInputs: @escaping () throws -> Void = {},
      warn: @escaping (String) -> Void = { _ in }
    ) {
      (self.interval, self.stopReason) = (interval, stopReason)
      (self.requireSoundInputs, self.warn) = (requireSoundInputs, warn)
    }
  }

  package let path: String
  /// What earlier phases have found; part of every record.
  var results = CheckpointRecord()
  private let identity: TrainingIdentity
  private let schedule: Schedule
  private let communicator: any Communicator
  private var pending: (phase: Phase, state: CheckpointRecord)?
  private var lastWrite = ContinuousClock.now
  private var passesNext = false

  /// Takes up the checkpoint at `path`, if there is one. Collective.
  ///
  /// - Parameter startsAnew: whether a checkpoint that is damaged, or of another training, may be
  ///   thrown away.
  /// - Throws: `JobFailure` for a checkpoint that is damaged, or of another training.
  package init(
    _ path: String, of identity: TrainingIdentity, _ schedule: Schedule, startsAnew: Bool = false,
    communicator: any Communicator
  ) throws {
    self.path = path
    self.schedule = schedule
    self.communicator = communicator
    var identity = identity
    try identity.settleKernels(communicator)
    self.identity = identity
    let found = try communicator.agree {
      guard communicator.isRoot else { return nil as CheckpointFile? }
      // What this very training has reached is taken up all the same: a queue starts the same command
      // line again.
      do { return try Self.load(path, of: identity) } catch  where startsAnew { return nil }
    }
    var phase = Array((found?.phase ?? "").utf8)
    try communicator.broadcast(&phase, root: 0)
    guard let phase = Phase(rawValue: String(decoding: phase, as: UTF8.self)) else { return }
    var record = found?.record ?? CheckpointRecord()
    try record.broadcast(communicator)
    results = record.part("results")
    pending = (phase, record.part("state"))
  }

  /// Whether training goes on from a checkpoint.
  package var continues: Bool { pending != nil }

  private static func load(_ path: String, of identity: TrainingIdentity) throws -> CheckpointFile?
  {
    guard let found = try CheckpointFile.load(path) else { return nil }
    let differences = identity.differences(from: found.job)
    if !differences.isEmpty {
      throw ClassificationError.otherTraining(path: path, differences: differences)
    }
    if Phase(rawValue: found.phase) == nil {
      throw ClassificationError.invalidCheckpoint(
        path: path, reason: "it is of a phase “\(found.phase)”")
    }
    return found
  }

  // MARK: Solvers

  /// Whether the checkpoint that training goes on from is of this phase.
  func isPending(_ phase: Phase) -> Bool { pending?.phase == phase }

  /// What to go on from; nil to begin.
  ///
  /// - Parameter restore: makes something of the record.
  /// - Throws: `ClassificationError.invalidCheckpoint` for a record that lacks an entry.
  func resume<State>(
    _ phase: Phase, _ restore: (CheckpointRecord) throws -> State
  ) throws -> State? {
    guard let state = pending?.state, isPending(phase) else { return nil }
    pending = nil
    // Something must be done before the next stop, or a job of many short runs would never end.
    passesNext = true
    return try understanding { try restore(state) }
  }

  /// Runs what reads a record.
  func understanding<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as CheckpointRecord.MissingEntry {
      throw ClassificationError.invalidCheckpoint(
        path: path, reason: "its entry “\(error.name)” is missing or has another size")
    }
  }

  /// What tells, on any thread, whether this rank wants to write or to stop. Not collective.
  var isPauseDue: @Sendable () -> Bool {
    let (stopReason, nextWrite) = (schedule.stopReason, lastWrite + schedule.interval)
    return { stopReason() != nil || ContinuousClock.now >= nextWrite }
  }

  /// Writes a checkpoint where it is time, and stops where that was asked for. Collective.
  ///
  /// - Parameter state: what to go on from; made on rank 0 alone, if it is written.
  /// - Throws: `TrainingStopped`, on every rank; `JobFailure` when the file cannot be written then, or
  ///   when an input has changed.
  func pause(_ phase: Phase, _ state: () -> CheckpointRecord) throws {
    if passesNext {
      passesNext = false
      return
    }
    let reason = schedule.stopReason()
    var wish = [Int64(reason != nil ? 2 : isPauseDue() ? 1 : 0)]
    if communicator.size > 1 { try communicator.allreduce(&wish, .maximum) }
    if wish[0] == 0 { return }
    try schedule.requireSoundInputs()
    if wish[0] == 2 {
      try communicator.agree { if communicator.isRoot { try write(phase, state()) } }
      throw TrainingStopped(reason: reason ?? "asked for on another rank")
    }
    if communicator.isRoot {
      do { try write(phase, state()) } catch {
        schedule.warn("training goes on without a new checkpoint: \(error)")
      }
    }
    lastWrite = .now
  }

  /// Where a solver in terms of rows may pause.
  func pauses(
    _ phase: Phase, _ complete: @escaping (CheckpointRecord) -> CheckpointRecord = { $0 }
  ) -> RowSpaceSolver.Pauses {
    .init(
      isDue: { self.isPauseDue },
      pause: { state in try self.pause(phase) { complete(state().record) } })
  }

  private func write(_ phase: Phase, _ state: CheckpointRecord) throws {
    var record = CheckpointRecord()
    record.add(results, as: "results")
    record.add(state, as: "state")
    try CheckpointFile(job: identity.json, phase: phase.rawValue, record: record).save(path)
  }

  /// Removes the file: training is finished, and its result is written. For rank 0.
  package func remove() throws {
    try FileSystem.removeFile(path)
  }
}

/// Training stopped early, and its checkpoint is written.
package struct TrainingStopped: Error, CustomStringConvertible {
  package let reason: String

  package var description: String { "training stopped early (\(reason))" }
}
