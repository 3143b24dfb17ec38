internal import Files
internal import Tensors

/// Predictions as tab-separated text: `row path label predicted score`, one line a row.
///
/// The score is the logit or margin of the predicted class; `predicted` and `score` are empty for
/// failed rows and for rows whose scores are not finite. With scores, one more column for each
/// class. Fields are escaped as `FieldEscape` says.
package struct PredictionTable: Sendable {
  package let classes: [String]
  package let includesScores: Bool

  package init(classes: [String], includesScores: Bool) {
    self.classes = classes
    self.includesScores = includesScores
  }

  /// The first line.
  package var header: [UInt8] {
    var line = Array("row\tpath\tlabel\tpredicted\tscore".utf8)
    if includesScores {
      for name in classes {
        line.append(UInt8(ascii: "\t"))
        FieldEscape.append(name.utf8, to: &line)
      }
    }
    return line + [UInt8(ascii: "\n")]
  }

  /// Appends the line of one row.
  ///
  /// - Parameters:
  ///   - path: as the image list has it.
  ///   - label: nil for a row without one.
  ///   - scores: of every class; nil for a row that is not predicted.
  package func append(
    row: Int, path: [UInt8], label: [UInt8]?, scores: [Float]?, to text: inout [UInt8]
  ) {
    let tab = UInt8(ascii: "\t")
    text += String(row).utf8
    text.append(tab)
    FieldEscape.append(path, to: &text)
    text.append(tab)
    FieldEscape.append(label ?? [], to: &text)
    text.append(tab)
    if let scores {
      let best = scores.indexOfLargest()
      FieldEscape.append(classes[best].utf8, to: &text)
      text.append(tab)
      text += "\(scores[best])".utf8
    } else {
      text.append(tab)
    }
    if includesScores {
      for k in classes.indices {
        text.append(tab)
        if let scores { text += "\(scores[k])".utf8 }
      }
    }
    text.append(UInt8(ascii: "\n"))
  }
}

/// How many rows were predicted, and how many of them rightly.
package struct PredictionSummary: Sendable, Equatable {
  package var predicted = 0
  package var failed = 0
  /// Rows with features that give no finite scores, and so no prediction.
  package var notFinite = 0
  /// Predicted rows with a label that is one of the classifier's classes, and how many of them got
  /// it.
  package var labelled = 0
  package var correct = 0
  /// Predicted rows with a label the classifier does not know.
  package var unknownLabel = 0
  /// K×K counts of the labelled rows, row-major: the label's class, the predicted one.
  package private(set) var confusion: [Int]
  private let classCount: Int

  package init(classCount: Int) {
    self.classCount = classCount
    confusion = [Int](repeating: 0, count: classCount * classCount)
  }

  /// Counts one row; see `PredictionTable.append`.
  ///
  /// - Precondition: there are `classCount` classes.
  package mutating func count(label: [UInt8]?, scores: [Float]?, classes: [String]) {
    guard let scores else {
      failed += 1
      return
    }
    predicted += 1
    guard let label else { return }
    guard let own = classes.firstIndex(where: { $0.utf8.elementsEqual(label) }) else {
      unknownLabel += 1
      return
    }
    labelled += 1
    let best = scores.indexOfLargest()
    if best == own { correct += 1 }
    confusion[own * classCount + best] += 1
  }

  /// The share of rightly predicted rows, nil without labelled ones.
  package var accuracy: Double? { labelled > 0 ? Double(correct) / Double(labelled) : nil }

  /// All counts, in one row: what ranks add up.
  var counts: [Int64] {
    ([predicted, failed, notFinite, labelled, correct, unknownLabel] + confusion).map(Int64.init)
  }

  /// - Parameter counts: as `counts` gives them.
  init(counts: [Int64], classCount: Int) {
    self.init(classCount: classCount)
    predicted = Int(counts[0])
    failed = Int(counts[1])
    notFinite = Int(counts[2])
    labelled = Int(counts[3])
    correct = Int(counts[4])
    unknownLabel = Int(counts[5])
    confusion = counts.dropFirst(6).map(Int.init)
  }

  mutating func add(_ other: PredictionSummary) {
    self = PredictionSummary(
      counts: zip(counts, other.counts).map { $0 + $1 }, classCount: classCount)
  }
}
