internal import Classification
package import Communication
package import FeatureStore
package import Files
internal import Foundation
internal import Images
package import Tensors

/// Runs all trainings and tests of a protocol on all ranks together.
///
/// Every rank reads the rows it needs from memory maps of the same stores. When there are enough
/// trainings each is one rank's, and within a rank one thread's; else all ranks train together. The
/// result is the same to the byte either way, as a training's does not depend on ranks or threads.
package struct Evaluator {
  package let evaluation: EvaluationProtocol
  /// The layers of the protocol that the stores have.
  package let layers: [String]
  private let plan: SplitPlan
  private let tasks: [EvaluationTask]

  /// Above so many training values a training is shared by all ranks: 16 GiB of rows.
  private static let largestOfOneRank = 1 << 32

  /// - Parameter stores: by the names of the protocol's roles.
  /// - Throws: `EvaluationError.unusableStores`, with every problem at once.
  package init(_ evaluation: EvaluationProtocol, stores: [String: Store]) throws {
    plan = try SplitPlan(evaluation, stores: stores)
    let used = plan.stores.sorted { $0.key < $1.key }.map(\.value)
    layers = evaluation.layers.filter { layer in
      used.allSatisfy { store in store.provenance.layer(named: layer) != nil }
    }
    try Self.check(used, layers, evaluation)
    self.evaluation = evaluation
    // Splits innermost: the result takes so many neighbours as a cell.
    var tasks: [EvaluationTask] = []
    for layer in layers {
      for method in evaluation.methods(layer: layer) {
        for column in plan.columns {
          for split in 0..<evaluation.splitCount {
            tasks.append(
              EvaluationTask(
                number: tasks.count, method: method, column: column, split: split))
          }
        }
      }
    }
    self.tasks = tasks
  }

  package var taskCount: Int { tasks.count }

  /// The files of the stores; a result counts when none of them has changed.
  package var inputs: [InputFile] { plan.stores.values.flatMap(\.inputs) }

  /// Lines for people: what will be done.
  package var summary: [String] {
    let columns = plan.columns.map { $0.group.isEmpty ? $0.name : "\($0.group) \($0.name)" }
    return [
      "protocol    \(evaluation.name): \(evaluation.title)",
      "stores      "
        + plan.stores.sorted { $0.key < $1.key }.map { "\($0) \($1.path) (\($1.rowCount) rows)" }
        .joined(separator: ", "),
      "classes     \(plan.classes.count)",
      "layers      \(layers.joined(separator: ", "))",
      "columns     \(columns.joined(separator: ", "))",
      "trainings   \(tasks.count): \(evaluation.losses.count) losses, "
        + (evaluation.dropout == [0]
          ? "" : "dropout \(evaluation.dropout.map { "\($0)" }.joined(separator: ", ")), ")
        + "\(evaluation.splitCount) splits, C of \(evaluation.path.count)",
    ]
  }

  private static func check(
    _ stores: [Store], _ layers: [String], _ evaluation: EvaluationProtocol
  ) throws {
    var problems: [String] = []
    if layers.isEmpty {
      let found = stores.map {
        "\($0.path) has \($0.provenance.layers.map(\.name).joined(separator: ", "))"
      }
      problems.append(
        "no layer of \(evaluation.layers.joined(separator: ", ")) is in every store: "
          + found.joined(separator: "; "))
    }
    for layer in layers {
      let origins = stores.map { store in
        FeatureOrigin(store.provenance, layer: store.provenance.layer(named: layer)!)
      }
      for (store, origin) in zip(stores, origins).dropFirst() {
        for difference in try origins[0].differences(from: origin) {
          problems.append("\(stores[0].path) and \(store.path) differ in \(difference)")
        }
      }
    }
    if !problems.isEmpty { throw EvaluationError.unusableStores(problems: problems) }
  }

  /// Does all the work. Collective: every rank must call this with the same stores.
  ///
  /// - Parameters:
  ///   - progress: called on every rank after each of its trainings, from any thread.
  /// - Returns: the result on rank 0, nil elsewhere.
  /// - Throws: `JobFailure` when a training fails on any rank.
  package func run(
    communicator: any Communicator, team: ThreadTeam,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> EvaluationResult? {
    let outcomes =
      isSharedByRanks(communicator.size)
      ? try runTogether(communicator, team, progress)
      : try communicator.agree {
        try runOwn(communicator.rank, communicator.size, team, progress)
      }
    let bytes = Array(try JSONEncoder().encode(outcomes))
    let gathered = try communicator.gather(bytes, root: 0)
    guard communicator.isRoot else { return nil }
    var merged = [Outcome?](repeating: nil, count: tasks.count)
    for part in gathered {
      for outcome in try JSONDecoder().decode([Outcome].self, from: Data(part)) {
        // Ranks that trained together have each tested a part of the rows. Counts are whole numbers,
        // so the order of the parts does not matter.
        merged[outcome.task] = merged[outcome.task]?.adding(outcome) ?? outcome
      }
    }
    return EvaluationResult(
      evaluation: evaluation, layers: layers, plan: plan, tasks: tasks,
      outcomes: merged.map { $0! })
  }

  /// Whether all ranks work on each training together: where there are too few for all ranks, or
  /// one has too many rows for a rank's memory. The same on every rank, as it depends on the stores
  /// and the number of ranks alone: else some would wait for others for ever.
  private func isSharedByRanks(_ size: Int) -> Bool {
    if size == 1 { return false }
    let largest =
      tasks.map { task in
        plan.trial(task.column, split: task.split).training.count
          * plan.stores.values.map { store in
            store.provenance.layer(named: task.method.layer)!.width
          }.max()!
      }.max() ?? 0
    return tasks.count < size || largest > Self.largestOfOneRank
  }

  private func runTogether(
    _ communicator: any Communicator, _ team: ThreadTeam,
    _ progress: @Sendable (Int, Int) -> Void
  ) throws -> [Outcome] {
    try tasks.enumerated().map { index, task in
      let outcome = try task.run(plan, communicator: communicator, team: team)
      progress(index + 1, tasks.count)
      return outcome
    }
  }

  /// This rank's share, each training by itself.
  private func runOwn(
    _ rank: Int, _ size: Int, _ team: ThreadTeam,
    _ progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> [Outcome] {
    // Work grows with the rows of a training, and with the copies that dropout makes of them. The
    // first split stands for all: each takes equally many rows of a class.
    let costs = Dictionary(
      uniqueKeysWithValues: plan.columns.map { ($0, plan.trial($0, split: 0).training.count) })
    func cost(_ task: EvaluationTask) -> Int {
      costs[task.column]! * (task.method.dropout == 0 ? 1 : evaluation.dropoutCopies)
    }
    // The largest first and dealt out in turn: shares of about the same work. The number decides
    // between equals, so that ranks, which sort by themselves, agree on who has which.
    let sorted = tasks.sorted { (-cost($0), $0.number) < (-cost($1), $1.number) }
    let own = sorted.indices.filter { $0 % size == rank }.map { sorted[$0] }
    let done = Counter()
    // A thread for each training wastes nothing on waiting within one; but with fewer than two a
    // thread, most would be idle while the last ones run, so then all threads share each.
    guard team.threadCount > 1, own.count >= 2 * team.threadCount else {
      return try own.map { task in
        let outcome = try task.run(plan, communicator: InProcessCommunicator.alone(), team: team)
        progress(done.increment(), own.count)
        return outcome
      }
    }
    return try team.throwingMap(own.count) { index, _ in
      let outcome = try own[index].run(
        plan, communicator: InProcessCommunicator.alone(), team: ThreadTeam(threadCount: 1))
      progress(done.increment(), own.count)
      return outcome
    }
  }
}

extension Outcome {
  /// The same training's, tested on more rows.
  fileprivate func adding(_ other: Outcome) -> Outcome {
    var counts: [[Int]: Int] = [:]
    for part in [confusion, other.confusion] {
      for i in stride(from: 0, to: part.count, by: 3) {
        counts[[part[i], part[i + 1]], default: 0] += part[i + 2]
      }
    }
    var sum = self
    sum.confusion = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .flatMap { $0.key + [$0.value] }
    sum.notFinite += other.notFinite
    return sum
  }
}
