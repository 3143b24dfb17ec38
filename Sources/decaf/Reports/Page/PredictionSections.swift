internal import FeatureStore
internal import Files
internal import Plotting

/// What a page says of predictions: how many are right, of which classes, and what was taken for what.
struct PredictionSections {
  let record: PredictionRecord
  /// The store that the rows are of, where it is known.
  let store: Store?
  let pictures: ReportPictures

  var sections: [ReportPage.Section] {
    let name = FileSystem.name(of: record.path)
    let labelled = record.labelledCount
    let right = record.correct.reduce(0, +)
    guard labelled > 0 else {
      return [
        .init(
          "Predictions: \(name)",
          [
            .text(
              "\(record.predictedCount) of \(record.rowCount) rows have a prediction; none has a label "
                + "to compare it with.")
          ])
      ]
    }
    let shares = zip(record.correct, record.totals).filter { $1 > 0 }.map {
      Double($0) / Double($1)
    }
    let mean = 100 * shares.reduce(0, +) / Double(shares.count)
    let names = record.classes.map(\.description)
    let summary =
      "\(right) of \(labelled) labelled rows are right (\(ReportText.percent(right, of: labelled))); mean "
      + "over the classes \(ReportText.percent(mean))."
    let confusion = ConfusionSection(
      title: "\(name): \(ReportText.percent(right, of: labelled)) of \(labelled) rows are right",
      classes: names, correct: record.correct, totals: record.totals)
    return [
      .init("Predictions: \(name)", [.text(summary)] + confusion.accuracies),
      .init(
        "Confusion: \(name)",
        confusion.matrix(record.classes.count <= ConfusionSection.most ? record.confusion : nil)
          + mistakes),
    ]
  }

  /// The pairs that were confused most, each with images, and an image that was right.
  private var mistakes: [ReportBlock] {
    let shown = record.mistakes.prefix(ConfusionSection.mostPairs)
    guard !shown.isEmpty else { return [] }
    let lines = shown.map { mistake in
      let (truth, predicted) = (record.classes[mistake.truth], record.classes[mistake.predicted])
      let right = record.rightExamples[mistake.predicted].map {
        [
          ReportPictures.Item(
            path: $0.path, label: predicted.description, note: "row \($0.row), right")
        ]
      }
      return (right ?? [])
        + mistake.examples.map {
          ReportPictures.Item(
            path: $0.path, label: "\(truth) for \(predicted)", note: "row \($0.row)",
            isOther: true)
        }
    }
    return [
      ConfusionSection.table(
        shown.map {
          (
            record.classes[$0.truth].description, record.classes[$0.predicted].description,
            $0.count, record.totals[$0.truth]
          )
        }),
      .text(
        "The same pairs as images: first one of the class that was predicted, predicted rightly, then "
          + "images of the other class that were taken for it."),
      pictures.lines(Array(lines), of: store),
    ]
  }
}
