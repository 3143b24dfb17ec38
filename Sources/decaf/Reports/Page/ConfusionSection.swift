internal import Plotting

/// Right and wrong by class, wherever the counts come from.
struct ConfusionSection {
  let title: String
  let classes: [String]
  /// By class: rows predicted right, and rows.
  let correct: [Int]
  let totals: [Int]

  /// Classes of a matrix that can be drawn on a page.
  static let most = 150
  static let mostPairs = 12
  private static let mostBars = 1000

  /// Accuracy by class, the worst first.
  var accuracies: [ReportBlock] {
    let known = classes.indices.filter { totals[$0] > 0 }
    func share(_ index: Int) -> Double { Double(correct[index]) / Double(totals[index]) }
    let sorted = known.sorted { (share($0), $0) < (share($1), $1) }
    return [
      .text("Accuracy by class, the least first:"),
      .bars(
        sorted.prefix(Self.mostBars).map {
          (
            classes[$0], share($0),
            "\(correct[$0]) of \(totals[$0]), \(ReportText.percent(correct[$0], of: totals[$0]))"
          )
        }),
    ]
  }

  /// The matrix, where there is one and it can be drawn.
  func matrix(_ counts: [Int]?) -> [ReportBlock] {
    guard let counts, classes.count <= Self.most else {
      return [
        .text(
          "\(classes.count) classes: a matrix of more than \(Self.most) is too large for a page; decaf "
            + "predict --confusion and decaf evaluate draw it.")
      ]
    }
    return [
      .drawing(ConfusionMatrix(title: title, classes: classes, counts: counts).svg)
    ]
  }

  /// The most confused pairs in words.
  static func table(
    _ pairs: [(truth: String, predicted: String, count: Int, total: Int)]
  ) -> ReportBlock {
    .table(
      header: ["class", "taken for", "rows", "share of the class"], numbers: [2, 3],
      rows: pairs.map {
        [$0.truth, $0.predicted, "\($0.count)", ReportText.percent($0.count, of: $0.total)]
      })
  }
}
