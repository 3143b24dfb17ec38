internal import Plotting

/// The learning curve of an evaluation, whether it just ended or its results are read again.
enum EvaluationCurve {
  typealias Line = (
    name: String, points: [LearningCurve.Point], references: [LearningCurve.Point]
  )

  /// - Parameter departures: what makes the published numbers another experiment.
  static func make(
    title: String, splitCount: Int, lines: [Line], departures: [String]
  ) -> LearningCurve {
    var notes: [String] = []
    if splitCount > 1 {
      notes.append("Means of \(splitCount) splits; bars: standard deviation over the splits.")
    }
    if lines.contains(where: { !$0.references.isEmpty }) {
      let bars = lines.contains { $0.references.contains { $0.deviation != nil } }
      notes.append(
        "Hollow marks: published (Donahue et al. 2014)\(bars ? ", with their deviations" : "").")
      notes += departures
    }
    return LearningCurve(
      title: title, xLabel: "training images of each class", yLabel: "mean accuracy per class (%)",
      notes: notes,
      series: lines.map { .init(name: $0.name, points: $0.points, references: $0.references) })
  }
}
