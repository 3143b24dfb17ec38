/// Accuracy against the number of training rows, with deviations: one line a method.
package struct LearningCurve: Sendable {
  /// One measured point.
  package struct Point: Sendable {
    package let x: Double
    package let y: Double
    /// Half the length of the error bar; nil for none.
    package let deviation: Double?

    package init(x: Double, y: Double, deviation: Double?) {
      self.x = x
      self.y = y
      self.deviation = deviation
    }
  }

  /// One method.
  package struct Series: Sendable {
    package let name: String
    /// Ascending in x.
    package let points: [Point]
    /// Published values of the same method, drawn as hollow marks.
    package let references: [Point]

    package init(name: String, points: [Point], references: [Point] = []) {
      self.name = name
      self.points = points
      self.references = references
    }
  }

  package let title: String
  package let xLabel: String
  package let yLabel: String
  /// Lines below the drawing: what is to be known of it.
  package let notes: [String]
  package let series: [Series]

  package init(
    title: String, xLabel: String, yLabel: String, notes: [String] = [], series: [Series]
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.notes = notes
    self.series = series
  }

  private static let plot = (left: 64.0, top: 52.0, width: 520.0, height: 360.0)

  /// The drawing as the text of an SVG file.
  ///
  /// - Precondition: some series has a point, and all numbers are finite.
  package var svg: String {
    let plot = Self.plot
    let longest = series.map(\.name.count).max() ?? 0
    let legendWidth = 60 + 6.6 * Double(longest)
    var drawing = SVGDocument(
      width: plot.left + plot.width + 16 + legendWidth,
      height: plot.top + plot.height + 60 + 16 * Double(notes.count),
      title: title)
    drawing.text(title, x: plot.left, y: 28, size: 15, isBold: true)
    let scale = Scale(series, plot)
    drawAxes(scale, &drawing)
    // Error bars first, so that no mark hides behind another's bar.
    for (index, line) in series.enumerated() { drawBars(line, index, scale, &drawing) }
    for (index, line) in series.enumerated() { drawMarks(line, index, scale, &drawing) }
    drawLegend(&drawing)
    for (index, note) in notes.enumerated() {
      drawing.text(
        note, x: plot.left, y: plot.top + plot.height + 62 + 16 * Double(index), size: 11,
        color: Ink.faint)
    }
    return drawing.text
  }

  /// From numbers to pixels.
  private struct Scale {
    let xTicks: [Double]
    let yTicks: [Double]
    private let xRange: ClosedRange<Double>
    private let plot: (left: Double, top: Double, width: Double, height: Double)

    init(
      _ series: [Series], _ plot: (left: Double, top: Double, width: Double, height: Double)
    ) {
      self.plot = plot
      let points = series.flatMap { $0.points + $0.references }
      precondition(!points.isEmpty, "a curve without points")
      xTicks = Set(points.map(\.x)).sorted()
      let margin = max((xTicks.last! - xTicks[0]) * 0.04, 0.5)
      xRange = xTicks[0] - margin...xTicks.last! + margin
      let low = points.map { $0.y - ($0.deviation ?? 0) }.min()!
      let high = points.map { $0.y + ($0.deviation ?? 0) }.max()!
      yTicks = AxisTicks.covering(low...max(high, low + 1))
    }

    func x(_ value: Double) -> Double {
      plot.left + (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound) * plot.width
    }

    func y(_ value: Double) -> Double {
      plot.top + plot.height
        - (value - yTicks[0]) / (yTicks.last! - yTicks[0]) * plot.height
    }
  }

  private func drawAxes(_ scale: Scale, _ drawing: inout SVGDocument) {
    let plot = Self.plot
    let (right, bottom) = (plot.left + plot.width, plot.top + plot.height)
    for tick in scale.yTicks {
      let y = scale.y(tick)
      drawing.line((plot.left, y), (right, y), color: Ink.grid)
      drawing.text(
        SVGDocument.number(tick), x: plot.left - 8, y: y + 4, anchor: .end, color: Ink.faint)
    }
    var lastLabel = -Double.infinity
    for tick in scale.xTicks {
      let x = scale.x(tick)
      drawing.line((x, bottom), (x, bottom + 5), color: Ink.axis)
      if x - lastLabel < 16 { continue }  // labels would touch
      lastLabel = x
      drawing.text(
        SVGDocument.number(tick), x: x, y: bottom + 19, anchor: .middle, color: Ink.faint)
    }
    drawing.line((plot.left, bottom), (right, bottom), color: Ink.axis)
    drawing.line((plot.left, plot.top), (plot.left, bottom), color: Ink.axis)
    drawing.text(xLabel, x: plot.left + plot.width / 2, y: bottom + 42, anchor: .middle)
    drawing.text(
      yLabel, x: 20, y: plot.top + plot.height / 2, anchor: .middle, angle: -90)
  }

  private func drawBars(
    _ line: Series, _ index: Int, _ scale: Scale, _ drawing: inout SVGDocument
  ) {
    let color = Ink.series(index)
    for point in line.points { drawBar(point, color, width: 1.25, scale, &drawing) }
    drawing.polyline(
      line.points.map { (scale.x($0.x), scale.y($0.y)) }, color: color,
      isDashed: index >= Marker.allCases.count)
  }

  private func drawBar(
    _ point: Point, _ color: String, width: Double, _ scale: Scale, _ drawing: inout SVGDocument
  ) {
    guard let deviation = point.deviation, deviation > 0 else { return }
    let x = scale.x(point.x)
    let (top, bottom) = (scale.y(point.y + deviation), scale.y(point.y - deviation))
    drawing.line((x, top), (x, bottom), color: color, width: width)
    for y in [top, bottom] { drawing.line((x - 4, y), (x + 4, y), color: color, width: width) }
  }

  private func drawMarks(
    _ line: Series, _ index: Int, _ scale: Scale, _ drawing: inout SVGDocument
  ) {
    func tip(_ point: Point, _ suffix: String = "") -> String {
      let deviation = point.deviation.map { " ± \(SVGDocument.number($0))" } ?? ""
      return "\(line.name)\(suffix), \(SVGDocument.number(point.x)): "
        + "\(SVGDocument.number(point.y))\(deviation)"
    }
    for point in line.points {
      drawing.marker(
        .number(index), x: scale.x(point.x), y: scale.y(point.y), color: Ink.series(index),
        tip: tip(point))
    }
    for point in line.references {
      drawing.marker(
        .number(index), x: scale.x(point.x), y: scale.y(point.y), size: 6,
        color: Ink.series(index), isHollow: true, tip: tip(point, ", published"))
      // Through the mark, whose white would hide a short one.
      drawBar(point, Ink.series(index), width: 0.75, scale, &drawing)
    }
  }

  private func drawLegend(_ drawing: inout SVGDocument) {
    let x = Self.plot.left + Self.plot.width + 24
    var y = Self.plot.top + 8
    for (index, line) in series.enumerated() {
      drawing.polyline(
        [(x, y), (x + 26, y)], color: Ink.series(index), isDashed: index >= Marker.allCases.count)
      drawing.marker(.number(index), x: x + 13, y: y, color: Ink.series(index))
      drawing.text(line.name, x: x + 34, y: y + 4)
      y += 20
    }
    if series.contains(where: { !$0.references.isEmpty }) {
      drawing.marker(.circle, x: x + 13, y: y, size: 6, color: Ink.faint, isHollow: true)
      drawing.text("published", x: x + 34, y: y + 4, color: Ink.faint)
    }
  }
}
