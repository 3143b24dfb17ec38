internal import Classification
internal import Communication
internal import FeatureStore
internal import Files
internal import Foundation
internal import Logging
internal import Tensors

/// What training starts from.
extension TrainCommand {
  /// What to minimize, as the trainer takes it.
  func options(classWeights: ClassWeights) -> TrainingOptions {
    TrainingOptions(
      loss: loss, C: C, tolerance: tolerance, regularizesBias: regularizeBias,
      normalization: normalize, standardizes: standardize,
      dropout: Dropout(
        probability: dropout, copies: dropoutCopies ?? Dropout.defaultCopies, seed: seed),
      classWeights: classWeights, maximumIterations: maxIterations)
  }

  /// The layer's name in the stores.
  var layerName: String { LayerName.resolved(layer) }

  /// What all ranks read before they begin.
  struct Input {
    var stores: TrainingStores
    var rows: any RowSource
    var options: TrainingOptions
    var start: Classifier?
    /// What decides the classifier's bytes.
    var identity: TrainingIdentity
    /// Read at once, and with that done; the stores are read all the time.
    var filesRead: [InputFile]

    /// All that the classifier is made of.
    var files: [InputFile] { filesRead + stores.stores.flatMap(\.inputs) }
  }

  /// Parts of the rows that are held out in turn.
  var foldCount: Int { folds ?? 5 }

  /// Opens all that training reads. Collective.
  ///
  /// - Throws: `JobFailure`.
  func open(_ communicator: any Communicator) throws -> Input {
    if isLocal {
      let stores = try TrainingStores(onEachHost: stores, layer: layerName, communicator)
      return try communicator.agree { try input(stores) }
    }
    return try communicator.agree { try input(TrainingStores(stores, layer: layerName)) }
  }

  private func input(_ stores: TrainingStores) throws -> Input {
    let files = [weights, classWeight == "balanced" ? nil : classWeight, warmStart]
    let filesRead = try files.compactMap(\.self).map { path throws(SystemError) in
      try InputFile(path)
    }
    var rows = stores.rows
    let rowWeights = try weights.map { try WeightFile.rowWeights($0) }
    if let rowWeights { rows = try WeightedRows(rows, weights: rowWeights) }
    var classWeights = ClassWeights.equal
    if classWeight == "balanced" {
      classWeights = .balanced
    } else if let classWeight {
      let weights = try WeightFile.classWeights(classWeight)
      let known = Set(rows.classNames.map { ByteString($0) })
      if let unknown = weights.keys.sorted().first(where: { !known.contains($0) }) {
        throw ClassificationError.invalidOptions([
          "\(classWeight) weighs class “\(unknown)”, which is not in \(rows.name)"
        ])
      }
      classWeights = .named(weights)
    }
    let options = options(classWeights: classWeights)
    try options.validate()
    let start = try warmStart.map { try Classifier.load($0) }
    try start?.check(stores.origin, of: rows.name)
    let identity = TrainingIdentity(
      stores: stores.identities, layer: layerName, options: options, path: path?.values,
      folds: path == nil ? nil : foldCount, seed: seed, rowWeights: rowWeights, start: start)
    return Input(
      stores: stores, rows: rows, options: options, start: start, identity: identity,
      filesRead: filesRead)
  }

  /// Hashes the stores, for `--check`: each rank its own part of them, or, where hosts have stores of
  /// their own, all that it sees. Collective.
  ///
  /// - Throws: `JobFailure` for a store that is damaged.
  func checkStores(_ context: CommandContext, _ team: ThreadTeam) throws {
    try context.communicator.agree {
      for (index, path) in stores.enumerated()
      where isLocal || index % context.communicator.size == context.communicator.rank {
        let audit = try StoreAudit(path, team: team)
        for problem in audit.problems { context.log.error("damaged: \(problem)") }
        if !audit.isSound {
          throw StoreError.auditFailed(path: path, problemCount: audit.problems.count)
        }
      }
    }
  }

  /// The classifier that is there, where a training with this identity may have made it; nil where
  /// there is none, or where it may be replaced.
  ///
  /// Collective.
  ///
  /// - Throws: `JobFailure` where what is there must stay.
  func existing(_ identity: TrainingIdentity, _ context: CommandContext) throws -> Classifier? {
    let decision = try context.shared {
      try ExistingOutput.decide(output, overwrite: overwrite) {
        // Whatever else is there, and cannot be read as a classifier, is not of this training.
        guard let job = (try? Classifier.load(output))?.job else { return false }
        return (path?.values ?? [C]).contains { identity.job(C: $0) == job }
      }
    }
    if decision == .write { return nil }
    return try context.communicator.agree { try Classifier.load(output) }
  }

  /// What keeps and takes up an unfinished training. Collective.
  func makeCheckpointer(
    _ input: Input, _ context: CommandContext, since start: ContinuousClock.Instant
  ) throws -> Checkpointer {
    let end = maxHours.map { start + .seconds(min($0, 1e6) * 3600) }
    let log = context.log
    let checkpointer = try Checkpointer(
      output + ".checkpoint", of: input.identity,
      Checkpointer.Schedule(
        interval: .seconds(min(checkpointMinutes, 1e8) * 60),
        stopReason: {
          StopSignal.name ?? (end.map { ContinuousClock.now >= $0 } == true ? "--max-hours" : nil)
        },
        requireSoundInputs: { try context.requireUnchanged(input.files) },
        warn: { log.warning("\($0)") }),
      startsAnew: overwrite, communicator: context.communicator)
    if checkpointer.continues && context.isRoot {
      log.info("training continues from \(checkpointer.path)")
    }
    return checkpointer
  }
}
