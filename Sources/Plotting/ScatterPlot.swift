/// Points of several groups on a plane.
package struct ScatterPlot: Sendable {
  /// The points of one group.
  package struct Group: Sendable {
    package let name: String
    /// Position, and what a reader sees who rests on the point.
    package let points: [(x: Double, y: Double, tip: String)]

    package init(name: String, points: [(x: Double, y: Double, tip: String)]) {
      self.name = name
      self.points = points
    }
  }

  package let title: String
  package let xLabel: String
  package let yLabel: String
  package let groups: [Group]

  package init(title: String, xLabel: String, yLabel: String, groups: [Group]) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.groups = groups
  }

  private static let side = 560.0
  private static let (left, top) = (48.0, 52.0)
  /// Lines of the legend; more groups are counted.
  private static let legendLimit = 26

  /// The drawing as the text of an SVG file; both axes have the same scale.
  ///
  /// - Precondition: some group has a point, and all numbers are finite.
  package var svg: String {
    let all = groups.flatMap(\.points)
    precondition(!all.isEmpty, "a picture without points")
    let (lowX, highX) = (all.map(\.x).min()!, all.map(\.x).max()!)
    let (lowY, highY) = (all.map(\.y).min()!, all.map(\.y).max()!)
    let extent = max(highX - lowX, highY - lowY, 1e-12) * 1.06
    let scale = Self.side / extent
    let longest = groups.map(\.name.count).max() ?? 0
    var drawing = SVGDocument(
      width: Self.left + Self.side + 60 + 6.6 * Double(min(longest, 40)),
      height: Self.top + Self.side + 44, title: title)
    drawing.text(title, x: Self.left, y: 28, size: 15, isBold: true)
    drawFrame(&drawing)
    for (index, group) in groups.enumerated() {
      for point in group.points {
        drawing.marker(
          Self.marker(index), x: Self.left + Self.side / 2 + (point.x - (lowX + highX) / 2) * scale,
          y: Self.top + Self.side / 2 - (point.y - (lowY + highY) / 2) * scale, size: 3.2,
          color: Ink.series(index), tip: point.tip)
      }
    }
    drawLegend(&drawing)
    return drawing.text
  }

  /// A page that shows the drawing; resting on a point tells what it is.
  package var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <meta charset="utf-8">
    <title>\(XMLEscape.escaped(title))</title>
    <body>
    \(svg)</body>
    </html>

    """
  }

  /// Shapes change when the colors are used up.
  private static func marker(_ index: Int) -> Marker { .number(index / Ink.seriesCount) }

  private func drawFrame(_ drawing: inout SVGDocument) {
    let (left, top, side) = (Self.left, Self.top, Self.side)
    for y in [top, top + side] { drawing.line((left, y), (left + side, y), color: Ink.axis) }
    for x in [left, left + side] { drawing.line((x, top), (x, top + side), color: Ink.axis) }
    drawing.text(xLabel, x: left + side / 2, y: top + side + 26, anchor: .middle)
    drawing.text(yLabel, x: 28, y: top + side / 2, anchor: .middle, angle: -90)
  }

  private func drawLegend(_ drawing: inout SVGDocument) {
    let x = Self.left + Self.side + 24
    var y = Self.top + 8
    for (index, group) in groups.prefix(Self.legendLimit).enumerated() {
      drawing.marker(Self.marker(index), x: x, y: y, color: Ink.series(index))
      let name = group.name.count > 40 ? "\(group.name.prefix(39))…" : group.name
      drawing.text(name, x: x + 12, y: y + 4)
      y += 20
    }
    if groups.count > Self.legendLimit {
      drawing.text(
        "and \(groups.count - Self.legendLimit) more", x: x + 12, y: y + 4, color: Ink.faint)
    }
  }
}
