/// A matrix of dissimilarities as shades, rows by class; large ones as means of blocks.
package struct DissimilarityMap: Sendable {
  package let title: String
  /// The class of each row; rows of a class stand together.
  package let labels: [String]
  /// `rows×rows`, in 0…2.
  package let values: [Float]

  /// - Precondition: a row of values for each label.
  package init(title: String, labels: [String], values: [Float]) {
    precondition(!labels.isEmpty && values.count == labels.count * labels.count, "no matrix")
    (self.title, self.labels, self.values) = (title, labels, values)
  }

  /// Cells along a side, at most: more would be smaller than three pixels.
  private static let mostCells = 200
  private static let side = 620.0

  /// The drawing as the text of an SVG file.
  package var svg: String {
    let runs = runs
    let longest = runs.map { min($0.name.count, 26) }.max()!
    let (left, top) = (24 + 6.0 * Double(longest), 60.0)
    var drawing = SVGDocument(
      width: left + Self.side + 110, height: top + Self.side + 30, title: title)
    drawing.text(title, x: 24, y: 28, size: 15, isBold: true)
    drawing.text(
      "1 − correlation of \(labels.count) rows, by class", x: 24, y: 46, color: Ink.faint)
    let means = means
    let cells = means.count
    let cell = Self.side / Double(cells)
    let range = Self.range(of: means)
    for (i, row) in means.enumerated() {
      for (j, mean) in row.enumerated() {
        drawing.rectangle(
          x: left + cell * Double(j), y: top + cell * Double(i), width: cell + 0.3,
          height: cell + 0.3, fill: Self.shade(range.share(of: mean)))
      }
    }
    drawNames(runs, left, top, &drawing)
    drawKey(x: left + Self.side + 22, top, range, &drawing)
    return drawing.text
  }

  private typealias Run = (name: String, rows: Range<Int>)

  /// Rows of one class that stand together.
  private var runs: [Run] {
    var runs = [Run]()
    for (row, label) in labels.enumerated() {
      if let last = runs.last, last.name == label {
        runs[runs.count - 1].rows = last.rows.lowerBound..<row + 1
      } else {
        runs.append((label, row..<row + 1))
      }
    }
    return runs
  }

  /// Means over blocks of rows and columns, without the diagonal, which says nothing.
  private var means: [[Float]] {
    let count = labels.count
    let cells = min(count, Self.mostCells)
    func range(_ i: Int) -> Range<Int> { i * count / cells..<(i + 1) * count / cells }
    return (0..<cells).map { i in
      (0..<cells).map { j in
        var (sum, pairs) = (0.0, 0)
        for row in range(i) {
          for column in range(j) where row != column {
            sum += Double(values[row * count + column])
            pairs += 1
          }
        }
        return pairs > 0 ? Float(sum / Double(pairs)) : 0
      }
    }
  }

  /// What the darkest and the lightest shade stand for.
  private struct ShadeRange {
    let low: Double
    let high: Double

    func share(of value: Float) -> Double { (Double(value) - low) / (high - low) }
  }

  /// Most pairs are about as unlike as can be: shades from 0 on would leave the page pale. A hundredth
  /// of the cells at either end is as dark, or as light, as can be.
  private static func range(of means: [[Float]]) -> ShadeRange {
    let values = means.enumerated().flatMap { i, row in
      row.enumerated().filter { $0.offset != i }.map(\.element)
    }.sorted()
    guard let last = values.last else { return ShadeRange(low: 0, high: 1) }
    let (low, high) = (values[values.count / 100], values[values.count - 1 - values.count / 100])
    return low < high
      ? ShadeRange(low: Double(low), high: Double(high))
      : ShadeRange(low: min(0, Double(last) - 1), high: Double(max(last, 1e-9)))
  }

  /// From a dark blue, alike, to white: the shades of `ConfusionMatrix` the other way.
  private static func shade(_ share: Double) -> String {
    let t = 1 - min(max(share, 0), 1)
    return ConfusionMatrix.shade(t * t)
  }

  private func drawNames(
    _ runs: [Run], _ left: Double, _ top: Double, _ drawing: inout SVGDocument
  ) {
    let scale = Self.side / Double(labels.count)
    var last = -Double.infinity
    for run in runs {
      let y = top + scale * Double(run.rows.lowerBound + run.rows.upperBound) / 2
      if y - last < 9 { continue }  // names would touch
      last = y
      drawing.text(
        ScatterLegend.shortened(run.name, to: 26), x: left - 5, y: y + 3, anchor: .end, size: 9.5)
    }
  }

  private func drawKey(
    x: Double, _ top: Double, _ range: ShadeRange, _ drawing: inout SVGDocument
  ) {
    for i in 0..<20 {
      drawing.rectangle(
        x: x, y: top + 8 * Double(i), width: 14, height: 8.4,
        fill: Self.shade(1 - (Double(i) + 0.5) / 20))
    }
    let middle = (range.low + range.high) / 2
    let marks = [
      ("≥ ", range.high, top), ("", middle, top + 80), ("≤ ", range.low, top + 160),
    ]
    for (sign, value, y) in marks {
      drawing.text(
        sign + SVGDocument.number(value), x: x + 19, y: y + 4, size: 10, color: Ink.faint)
    }
  }
}
