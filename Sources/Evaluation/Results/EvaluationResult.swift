internal import Classification
internal import FeatureStore
internal import Files
internal import Images
package import Plotting
internal import Tensors

/// What a protocol gave: accuracies of every method in every column, over all splits.
package struct EvaluationResult: Sendable {
  let evaluation: EvaluationProtocol
  let layers: [String]
  let plan: SplitPlan
  /// By method and column.
  let cells: [Cell]
  /// The evaluation it came from, `EvaluationIdentity.job`.
  let job: String

  /// A method in a column.
  struct Cell: Sendable {
    let method: Method
    let column: Column
    /// One for each split.
    let outcomes: [Outcome]
    /// In per cent, one for each split.
    let accuracies: [Double]
    let paper: PublishedResult?

    var mean: Double { accuracies.reduce(0, +) / Double(accuracies.count) }

    /// The standard deviation over the splits, with one degree of freedom less than splits; nil for
    /// one split.
    var deviation: Double? {
      if accuracies.count < 2 { return nil }
      let squares = accuracies.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(accuracies.count - 1)).squareRoot()
    }
  }

  init(
    evaluation: EvaluationProtocol, layers: [String], plan: SplitPlan, tasks: [EvaluationTask],
    outcomes: [Outcome], job: String
  ) {
    self.job = job
    self.evaluation = evaluation
    self.layers = layers
    self.plan = plan
    let classCount = plan.classes.count
    var cells: [Cell] = []
    // Tasks of one cell follow each other, a split each.
    for start in stride(from: 0, to: tasks.count, by: evaluation.splitCount) {
      let (method, column) = (tasks[start].method, tasks[start].column)
      let own = Array(outcomes[start..<start + evaluation.splitCount])
      cells.append(
        Cell(
          method: method, column: column, outcomes: own,
          accuracies: own.map { $0.meanPerClass(classCount: classCount) },
          paper: evaluation.paper.first {
            Method(layer: $0.layer, loss: $0.loss, dropout: $0.dropout) == method
              && $0.group == column.group && $0.column == column.name
          }))
    }
    self.cells = cells
  }

  var methods: [Method] {
    layers.flatMap { evaluation.methods(layer: $0) }
  }

  /// Published numbers of what is not tried here, in the columns that there are.
  var baselines: [PublishedBaseline] {
    evaluation.baselines.filter { plan.columns.contains(Column(group: $0.group, name: $0.column)) }
  }

  /// What makes the published numbers another experiment than this one, in sentences; empty where
  /// there are none.
  var departures: [String] {
    guard cells.contains(where: { $0.paper != nil }) || !baselines.isEmpty else { return [] }
    var departures: [String] = []
    if let expected = evaluation.paperClassCount, plan.classes.count < expected {
      departures.append(
        "The published numbers are for \(expected) classes, these are for \(plan.classes.count): "
          + "an easier problem.")
    }
    let provenance = plan.stores[plan.roles[0]]!.provenance
    let recipe = provenance.recipe
    let features =
      provenance.imported.map { "imported features (\($0.format))" }
      ?? recipe.descriptor.map { "the hand-made feature \($0)" }
      ?? "\(recipe.model.architecture), weights \(recipe.model.sha256.prefix(12))…"
    departures.append("Theirs are of DeCAF's own weights, these of \(features).")
    return departures
  }

  func cell(_ method: Method, _ column: Column) -> Cell {
    cells.first { $0.method == method && $0.column == column }!
  }

  /// Trainings whose gap stayed above the tolerance.
  package var unconvergedCount: Int {
    cells.reduce(0) { $0 + $1.outcomes.count { !$0.isConverged } }
  }

  /// Of those, trainings with more than half of their objective unproved: their accuracies may mean
  /// nothing.
  package var unprovedCount: Int {
    cells.reduce(0) { $0 + $1.outcomes.count(where: \.isUnproved) }
  }

  /// Tests of rows with infinite features, which have no prediction, over all trainings.
  package var notFiniteCount: Int {
    cells.reduce(0) { $0 + $1.outcomes.reduce(0) { $0 + $1.notFinite } }
  }

  /// The learning curve; nil when there are fewer than two numbers of training rows.
  package var curve: LearningCurve? {
    guard case .fewShot(let fewShot) = evaluation.design, fewShot.trainingRows.count > 1 else {
      return nil
    }
    let lines = methods.map { method -> EvaluationCurve.Line in
      let cells = plan.columns.map { cell(method, $0) }
      return (
        method.description,
        cells.map { .init(x: Double($0.column.name)!, y: $0.mean, deviation: $0.deviation) },
        cells.compactMap { cell in
          cell.paper.map {
            .init(x: Double(cell.column.name)!, y: $0.accuracy, deviation: $0.deviation)
          }
        }
      )
    }
    return EvaluationCurve.make(
      title: evaluation.title, splitCount: evaluation.splitCount, lines: lines,
      departures: departures)
  }

  /// The confusion of the best method, over all splits: at the most training rows, or in the column
  /// where it is best.
  package var confusion: ConfusionMatrix {
    var candidates = cells
    if case .fewShot = evaluation.design {
      candidates = cells.filter { $0.column == plan.columns.last! }
    }
    // Of equally good ones the first in the order of the table.
    let best = candidates[candidates.map(\.mean).indexOfLargest()]
    let k = plan.classes.count
    var counts = [Int](repeating: 0, count: k * k)
    for outcome in best.outcomes {
      for i in stride(from: 0, to: outcome.confusion.count, by: 3) {
        counts[outcome.confusion[i] * k + outcome.confusion[i + 1]] += outcome.confusion[i + 2]
      }
    }
    return ConfusionMatrix(
      title: "\(evaluation.title): \(best.method.description), "
        + best.column.heading(evaluation.design)
        + (evaluation.splitCount > 1 ? ", \(evaluation.splitCount) splits" : ""),
      classes: plan.classes.map(\.description), counts: counts)
  }
}

extension Column {
  /// For people: `30 training images a class`, `amazon→webcam ST`.
  func heading(_ design: EvaluationProtocol.Design) -> String {
    switch design {
    case .fewShot: "\(name) training image\(name == "1" ? "" : "s") a class"
    case .fixed: name
    case .adaptation: "\(group) \(name)"
    }
  }
}
