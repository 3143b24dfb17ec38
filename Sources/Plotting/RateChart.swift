/// A rate over time as steps: how fast something went on.
package struct RateChart: Sendable {
  /// From `start` to `end`, in seconds, at one rate.
  package struct Step: Sendable, Equatable {
    package let start: Double
    package let end: Double
    package let rate: Double

    package init(start: Double, end: Double, rate: Double) {
      (self.start, self.end, self.rate) = (start, end, rate)
    }
  }

  package let title: String
  package let xLabel: String
  package let yLabel: String
  /// Ascending.
  package let steps: [Step]

  package init(title: String, xLabel: String, yLabel: String, steps: [Step]) {
    (self.title, self.xLabel, self.yLabel, self.steps) = (title, xLabel, yLabel, steps)
  }

  private static let plot = (left: 64.0, top: 48.0, width: 560.0, height: 160.0)

  /// The drawing as the text of an SVG file.
  ///
  /// - Precondition: there is a step.
  package var svg: String {
    let plot = Self.plot
    let bottom = plot.top + plot.height
    var drawing = SVGDocument(
      width: plot.left + plot.width + 24, height: bottom + 52, title: title)
    drawing.text(title, x: plot.left, y: 26, size: 15, isBold: true)
    let end = max(steps.last!.end, 1e-9)
    let yTicks = AxisTicks.covering(0...max(steps.map(\.rate).max()!, 1e-9), count: 4)
    func x(_ seconds: Double) -> Double { plot.left + seconds / end * plot.width }
    func y(_ rate: Double) -> Double { bottom - rate / yTicks.last! * plot.height }
    for tick in yTicks {
      drawing.line((plot.left, y(tick)), (plot.left + plot.width, y(tick)), color: Ink.grid)
      drawing.text(
        SVGDocument.number(tick), x: plot.left - 8, y: y(tick) + 4, anchor: .end,
        color: Ink.faint)
    }
    for tick in AxisTicks.covering(0...end) where tick <= end {
      drawing.line((x(tick), bottom), (x(tick), bottom + 5), color: Ink.axis)
      drawing.text(
        SVGDocument.number(tick), x: x(tick), y: bottom + 18, anchor: .middle, color: Ink.faint)
    }
    drawing.polyline(
      steps.flatMap { [(x($0.start), y($0.rate)), (x($0.end), y($0.rate))] },
      color: Ink.series(0))
    drawing.line((plot.left, bottom), (plot.left + plot.width, bottom), color: Ink.axis)
    drawing.line((plot.left, plot.top), (plot.left, bottom), color: Ink.axis)
    drawing.text(xLabel, x: plot.left + plot.width / 2, y: bottom + 40, anchor: .middle)
    drawing.text(yLabel, x: 20, y: plot.top + plot.height / 2, anchor: .middle, angle: -90)
    return drawing.text
  }
}
