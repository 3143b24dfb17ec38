internal import Classification
package import Communication
package import FeatureStore
package import Files
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

  /// The stores that rows come from.
  package var stores: [Store] { plan.stores.sorted { $0.key < $1.key }.map(\.value) }
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

  /// What decides the results' bytes. Collective.
  ///
  /// - Throws: `JobFailure` where `DECAF_KERNEL` names a class that cannot run.
  package func identity(_ communicator: any Communicator) throws -> EvaluationIdentity {
    EvaluationIdentity(
      evaluation, stores: plan.stores, layers: layers,
      kernels: try communicator.lowest { try KernelClass.current })
  }

  /// What an unfinished run of this evaluation has done; nil where there is none.
  ///
  /// - Throws: `EvaluationError.otherEvaluation`, `.invalidProgress`, `.unreadableProgress`.
  func unfinishedOutcomes(in folder: String, of identity: EvaluationIdentity) throws -> [Outcome]? {
    try ProgressFile(folder: folder).load(
      of: identity, taskCount: tasks.count, classCount: plan.classes.count)
  }

  /// Does all the work. Collective: every rank must call this with the same stores.
  ///
  /// - Parameters:
  ///   - keeping: where unfinished work goes, and when to stop.
  ///   - progress: called on every rank after each of its trainings, from any thread.
  /// - Returns: the result on rank 0, nil elsewhere.
  /// - Throws: `EvaluationStopped` on every rank; `JobFailure` when a training fails on any rank.
  package func run(
    communicator: any Communicator, team: ThreadTeam, keeping: EvaluationKeeping = .nothing,
    progress: @escaping @Sendable (EvaluationProgress) -> Void = { _ in }
  ) throws -> EvaluationResult? {
    let identity = try identity(communicator)
    let run = EvaluationRun(
      plan, tasks, identity: identity, inputs: inputs,
      mustShare: try Self.kernelsDiffer(communicator), communicator: communicator, team: team,
      keeping: keeping)
    guard let outcomes = try run.run(progress: progress) else { return nil }
    return EvaluationResult(
      evaluation: evaluation, layers: layers, plan: plan, tasks: tasks, outcomes: outcomes,
      job: identity.job)
  }

  /// Whether a rank by itself would compute by other kernels than the lowest of all. Collective.
  private static func kernelsDiffer(_ communicator: any Communicator) throws -> Bool {
    let lowest = try communicator.lowest { try KernelClass.current }
    var isOther = [Int64(try KernelClass.current == lowest ? 0 : 1)]
    try communicator.allreduce(&isOther, .maximum)
    return isOther[0] == 1
  }
}
