internal import FeatureStore
internal import Synchronization

/// What each training costs, and how fast a run gets on.
final class EvaluationPace: Sendable {
  /// Rows that a training multiplies, copies made by dropout too, times their width.
  private let costs: [Double]
  /// The most values that any training has, without copies.
  let largestTrainingValues: Int
  private let state: Mutex<State>

  private struct State {
    var done = 0
    /// Of trainings that are left at the run's beginning and now.
    var costAtStart: Double?
    var costLeft = 0.0
    var ranks = 1
    let start = ContinuousClock.now
  }

  init(_ tasks: [EvaluationTask], _ plan: SplitPlan) {
    // The first split stands for all: each takes equally many rows of a class.
    let rows = Dictionary(
      uniqueKeysWithValues: plan.columns.map { ($0, plan.trial($0, split: 0).training.count) })
    let values = tasks.map { task in
      rows[task.column]!
        * plan.stores.values.map { $0.provenance.layer(named: task.method.layer)!.width }.max()!
    }
    largestTrainingValues = values.max() ?? 0
    costs = zip(tasks, values).map { task, values in
      Double(values) * Double(task.method.dropout == 0 ? 1 : plan.evaluation.dropoutCopies)
    }
    state = Mutex(State())
  }

  func cost(_ task: EvaluationTask) -> Double { costs[task.number] }

  /// A round begins.
  ///
  /// - Parameter ranks: those that get on at about the same pace, each with its own trainings.
  func begin(_ isDone: [Bool], ranks: Int) {
    let left = zip(costs, isDone).reduce(0) { $0 + ($1.1 ? 0 : $1.0) }
    state.withLock { state in
      state.done = isDone.count { $0 }
      state.costLeft = left
      if state.costAtStart == nil { state.costAtStart = left }
      state.ranks = ranks
    }
  }

  /// This rank has done one more; what others do in a round shows at its end.
  func finished(_ task: EvaluationTask) -> EvaluationProgress {
    state.withLock { state in
      state.done += 1
      state.costLeft = max(0, state.costLeft - costs[task.number] * Double(state.ranks))
      let done = max(state.costAtStart! - state.costLeft, costs[task.number])
      let elapsed = (ContinuousClock.now - state.start) / .seconds(1)
      return EvaluationProgress(
        done: state.done, total: costs.count, remainingSeconds: elapsed / done * state.costLeft)
    }
  }
}
