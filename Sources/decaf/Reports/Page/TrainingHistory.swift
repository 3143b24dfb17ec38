internal import Files
internal import NetworkTraining
internal import Plotting

/// How a network's training went, epoch by epoch, and the pictures of it.
struct TrainingHistory {
  /// Of the trained network, without folder and ending.
  let name: String
  let epochs: [EpochRecord]

  private static let ending = ".history.tsv"

  init(name: String, _ epochs: [EpochRecord]) { (self.name, self.epochs) = (name, epochs) }

  /// Where the history of a network in a safetensors file is.
  static func path(of model: String) -> String {
    (model.hasSuffix(".safetensors") ? String(model.dropLast(".safetensors".count)) : model)
      + ending
  }

  /// Reads a table.
  ///
  /// - Throws: `ReportError.damagedTable`.
  init(_ file: MappedFile) throws(ReportError) {
    let text = String(decoding: file.bytes(0..<file.byteCount), as: UTF8.self)
    var epochs: [EpochRecord] = []
    for (index, line) in text.split(separator: "\n").enumerated().dropFirst() {
      guard let epoch = EpochRecord(line: line) else {
        throw .damagedTable(path: file.path, line: index + 1)
      }
      epochs.append(epoch)
    }
    let name = FileSystem.name(of: file.path)
    self.init(
      name: name.hasSuffix(Self.ending) ? String(name.dropLast(Self.ending.count)) : name, epochs)
  }

  /// Accuracy by epoch; nil without one.
  var accuracyCurve: LearningCurve? {
    curve(
      "accuracy", "accuracy, %",
      [
        ("training images", { 100 * $0.accuracy }),
        ("validation images", { $0.validationAccuracy.map { 100 * $0 } }),
      ])
  }

  /// Loss by epoch; nil without one.
  var lossCurve: LearningCurve? {
    curve(
      "loss", "mean loss",
      [
        ("training images", { $0.loss }), ("validation images", { $0.validationLoss }),
      ])
  }

  private func curve(
    _ what: String, _ yLabel: String, _ lines: [(name: String, value: (EpochRecord) -> Double?)]
  ) -> LearningCurve? {
    let series = lines.map { name, value in
      LearningCurve.Series(
        name: name,
        points: epochs.compactMap { epoch in
          // A training that diverged has numbers that no picture has.
          value(epoch).flatMap { $0.isFinite ? $0 : nil }.map {
            LearningCurve.Point(x: Double(epoch.epoch), y: $0, deviation: nil)
          }
        })
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    return LearningCurve(
      title: "\(name): \(what) by epoch", xLabel: "epoch", yLabel: yLabel,
      notes: [
        "Of training images: the mean over the epoch, each as the network was when its step came."
      ], series: series)
  }
}
