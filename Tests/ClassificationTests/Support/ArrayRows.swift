import Classification
import Foundation
import Tensors

/// Rows in memory; an absent label is an unlabelled row, `failedRows` hold NaN.
struct ArrayRows: RowSource {
  var name = "memory"
  var width: Int
  var values: [Float]
  var labels: [Int?]
  var classNames: [String]
  var failedRows: Set<Int> = []

  var rowCount: Int { labels.count }

  func use(of row: Int) -> RowUse {
    if failedRows.contains(row) { return .failed }
    return labels[row].map { .labelled($0) } ?? .unlabelled
  }

  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    try body(values.span.extracting(rows.lowerBound * width..<rows.upperBound * width))
  }

  /// Rows like ReLU features: not negative, half zeros, with a mean; classes overlap.
  static func random(
    rowCount: Int, width: Int, classCount: Int, seed: UInt64, separation: Float = 0.5
  ) -> ArrayRows {
    var generator = SeededGenerator(seed: seed)
    let centres = (0..<classCount * width).map { _ in generator.normal() * separation }
    var values: [Float] = []
    var labels: [Int] = []
    for row in 0..<rowCount {
      // Every class has a row, whatever the seed.
      let label = row < classCount ? row : Int(generator.next() % UInt64(classCount))
      labels.append(label)
      for j in 0..<width { values.append(max(0, centres[label * width + j] + generator.normal())) }
    }
    return ArrayRows(
      width: width, values: values, labels: labels, classNames: (0..<classCount).map { "c\($0)" })
  }
}
