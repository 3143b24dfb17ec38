internal import Classification
internal import Communication
internal import FeatureStore
internal import Files
internal import Images
internal import Tensors

/// One training with the choice of its C, and the test: a method, a column, a split.
struct EvaluationTask: Sendable {
  let number: Int
  let method: Method
  let column: Column
  let split: Int

  /// Trains and tests.
  ///
  /// Collective among the ranks of `communicator`, which share the rows: each counts its own part
  /// of the test rows.
  ///
  /// - Parameter checkpointer: what keeps and takes up the training; for this task.
  /// - Throws: `TrainingStopped` where the checkpointer says so.
  func run(
    _ plan: SplitPlan, communicator: any Communicator, team: ThreadTeam,
    checkpointer: Checkpointer? = nil
  ) throws -> Outcome {
    let trial = plan.trial(column, split: split)
    let rows = try source(trial.training, trial, plan)
    let evaluation = plan.evaluation
    var options = options(plan)
    let trainer = { (options: TrainingOptions) throws in
      try Trainer(
        options, communicator: communicator, team: team, checkpointer: checkpointer)
    }
    var validation: CrossValidation?
    let result: TrainingResult
    if trial.isHeldOut.contains(true) {
      // One fold of one part: what is held out is chosen by the plan and tried once. The trainer then
      // trains on all rows with the C that was right most often, of several the smallest.
      (result, validation) = try trainer(options).train(
        rows, path: evaluation.path,
        assignment: FoldAssignment(foldCount: 1, folds: trial.isHeldOut.map { $0 ? 0 : nil }))
      options.C = validation!.best.C
    } else {
      if evaluation.path.count > 1, let fallback = evaluation.validation?.fallback {
        options.C = fallback
      }
      result = try trainer(options).train(rows)
    }
    let (confusion, notFinite) = try confusion(
      result, options, try source(trial.test, trial, plan), plan, communicator, team)
    return Outcome(
      task: number, C: options.C, validation: validation.map { $0.accuracy($0.best) },
      relativeGap: result.certificate.relativeGap, isConverged: result.isConverged,
      confusion: confusion, notFinite: notFinite)
  }

  /// What is minimized, with the first C to try.
  ///
  /// The noise of dropout depends on the split alone: methods and columns are compared under the
  /// same, and splits are independent of each other.
  private func options(_ plan: SplitPlan) -> TrainingOptions {
    let evaluation = plan.evaluation
    return TrainingOptions(
      loss: method.loss, C: evaluation.path[0], tolerance: evaluation.tolerance,
      normalization: evaluation.normalization,
      dropout: Dropout(
        probability: method.dropout, copies: evaluation.dropoutCopies,
        seed: evaluation.seed &+ UInt64(split)))
  }

  /// What tells a checkpoint of this training from others; its rows are those that the evaluation
  /// gives the task of this number, and the folder of the checkpoint is the evaluation's.
  func identity(_ plan: SplitPlan) -> TrainingIdentity {
    TrainingIdentity(
      stores: plan.stores.sorted { $0.key < $1.key }.map {
        TrainingIdentity.StoreIdentity($0.value, layer: method.layer)
      }, layer: method.layer, options: options(plan), path: plan.evaluation.path, folds: 1,
      seed: UInt64(number))
  }

  private func source(
    _ entries: [SelectedRows.Entry], _ trial: Trial, _ plan: SplitPlan
  ) throws -> SelectedRows {
    let parts = try trial.roles.map { role in
      let store = plan.stores[role]!
      return SelectedRows.Part(name: store.path, layer: try store.layer(named: method.layer))
    }
    return SelectedRows(
      name: parts.map(\.name).joined(separator: ", "),
      classNames: plan.classes.map(\.description), parts: parts, entries: entries,
      isAugmented: trial.isAugmented)
  }

  /// Predicts this rank's part of the test rows.
  private func confusion(
    _ result: TrainingResult, _ options: TrainingOptions, _ test: SelectedRows, _ plan: SplitPlan,
    _ communicator: any Communicator, _ team: ThreadTeam
  ) throws -> (confusion: [Int], notFinite: Int) {
    let store = plan.stores.values.first!
    let spec = store.provenance.layer(named: method.layer)!
    var origin = FeatureOrigin(store.provenance, layer: spec)
    origin.width = test.width  // augmented rows are wider than the layer
    let classifier = Classifier(result, options: options, features: origin)
    let names = plan.classes.map { ByteString($0.description) }
    // A training may lack classes that the test has, and numbers its own from 0.
    let position = result.classes.map { name in names.firstIndex(of: ByteString(name))! }

    // Blocks that do not depend on how many ranks there are, dealt out in turn.
    let blockRows = 64
    let blocks = stride(from: 0, to: test.rowCount, by: blockRows).map {
      $0..<min($0 + blockRows, test.rowCount)
    }
    let own = blocks.indices.filter { $0 % communicator.size == communicator.rank }
    let predicted = try team.throwingMap(own.count) { index, _ -> [Int?] in
      var scratch: [Float] = []
      var best: [Int?] = []
      let width = test.width
      try test.withRows(blocks[own[index]], scratch: &scratch) { features in
        for i in 0..<blocks[own[index]].count {
          let scores = classifier.scores(features.extracting(i * width..<(i + 1) * width))
          best.append(scores.allSatisfy(\.isFinite) ? position[scores.indexOfLargest()] : nil)
        }
      }
      return best
    }
    var counts: [Int: Int] = [:]
    var notFinite = 0
    for (index, best) in zip(own, predicted) {
      for (row, label) in zip(blocks[index], best) {
        guard let label else {
          notFinite += 1
          continue
        }
        counts[test.entries[row].label * names.count + label, default: 0] += 1
      }
    }
    // Sorted, as the order of a dictionary changes from run to run.
    let triples = counts.keys.sorted().flatMap {
      [$0 / names.count, $0 % names.count, counts[$0]!]
    }
    return (triples, notFinite)
  }
}
