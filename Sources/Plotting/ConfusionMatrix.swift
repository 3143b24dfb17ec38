/// How often rows of each class were taken for each other.
package struct ConfusionMatrix: Sendable {
  package let title: String
  /// Names of the K classes.
  package let classes: [String]
  /// `K×K`, row-major: true class, predicted class.
  package let counts: [Int]

  /// Letters of a name beside the matrix; tips have all of it.
  private static let longestName = 28

  /// - Precondition: there are K² counts, none negative.
  package init(title: String, classes: [String], counts: [Int]) {
    precondition(
      !classes.isEmpty && counts.count == classes.count * classes.count
        && counts.allSatisfy { $0 >= 0 })
    self.title = title
    self.classes = classes
    self.counts = counts
  }

  /// The drawing as the text of an SVG file; a cell's shade is its share of its row.
  package var svg: String {
    let k = classes.count
    let names = classes.map { ScatterLegend.shortened($0, to: Self.longestName) }
    let cell = max(7.5, min(34, 620 / Double(k)))
    let side = cell * Double(k)
    let fontSize = min(12, max(6.5, cell * 0.8))
    let labelWidth = fontSize * 0.58 * Double(names.map(\.count).max()!) + 12
    let (left, top) = (28 + labelWidth, 62.0)
    var drawing = SVGDocument(
      width: left + side + 84, height: top + side + labelWidth + 34, title: title)
    drawing.text(title, x: 16, y: 28, size: 15, isBold: true)
    for row in 0..<k {
      let total = counts[row * k..<(row + 1) * k].reduce(0, +)
      let y = top + cell * Double(row)
      for column in 0..<k {
        draw(row, column, total, x: left + cell * Double(column), y: y, cell, &drawing)
      }
      drawing.text(
        names[row], x: left - 6, y: y + cell / 2 + fontSize * 0.36, anchor: .end, size: fontSize)
      let x = left + cell * (Double(row) + 0.5)
      drawing.text(
        names[row], x: x + fontSize * 0.36, y: top + side + 6, anchor: .end, size: fontSize,
        angle: -90)
    }
    drawFrame(left: left, top: top, side: side, &drawing)
    drawing.text("true class", x: 18, y: top + side / 2, anchor: .middle, angle: -90)
    drawing.text(
      "predicted class", x: left + side / 2, y: top + side + labelWidth + 22, anchor: .middle)
    drawKey(x: left + side + 22, top: top, height: min(side, 160), &drawing)
    return drawing.text
  }

  private func draw(
    _ row: Int, _ column: Int, _ total: Int, x: Double, y: Double, _ cell: Double,
    _ drawing: inout SVGDocument
  ) {
    let count = counts[row * classes.count + column]
    if count == 0 { return }
    let share = Double(count) / Double(total)
    drawing.rectangle(
      x: x, y: y, width: cell, height: cell, fill: Self.shade(share),
      tip: "\(classes[row]) taken for \(classes[column]): \(count) of \(total)")
    let digits = String(count)
    if cell >= 7 + 6.2 * Double(digits.count) {
      drawing.text(
        digits, x: x + cell / 2, y: y + cell / 2 + 4, anchor: .middle, size: 11,
        color: share > 0.5 ? "#ffffff" : Ink.text)
    }
  }

  private func drawFrame(left: Double, top: Double, side: Double, _ drawing: inout SVGDocument) {
    let (right, bottom) = (left + side, top + side)
    for y in [top, bottom] { drawing.line((left, y), (right, y), color: Ink.axis) }
    for x in [left, right] { drawing.line((x, top), (x, bottom), color: Ink.axis) }
  }

  /// What the shades mean.
  private func drawKey(x: Double, top: Double, height: Double, _ drawing: inout SVGDocument) {
    let steps = 20
    let step = height / Double(steps)
    for i in 0..<steps {
      drawing.rectangle(
        x: x, y: top + step * Double(i), width: 14, height: step + 0.5,
        fill: Self.shade(1 - (Double(i) + 0.5) / Double(steps)))
    }
    for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
      drawing.text(
        label, x: x + 19, y: top + height * (1 - share) + 4, size: 10, color: Ink.faint)
    }
  }

  /// From white, for 0, to a dark blue, for 1; small shares stand out from none.
  static func shade(_ share: Double) -> String {
    let t = min(max(share, 0), 1).squareRoot()
    let ends = [(255.0, 8.0), (255.0, 69.0), (255.0, 148.0)]
    return "#"
      + ends.map { start, end in
        let digits = String(Int((start + (end - start) * t).rounded()), radix: 16)
        return digits.utf8.count == 1 ? "0\(digits)" : digits
      }.joined()
  }
}
