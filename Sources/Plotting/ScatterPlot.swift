/// Points of several groups on one or more planes, side by side.
///
/// Colour and shape change together from group to group, so that groups are told apart without
/// colours; where points have marks of their own (domains), shape tells the mark and colour the group.
package struct ScatterPlot: Sendable {
  /// A plane; both axes have the same scale.
  package struct Panel: Sendable {
    package let title: String
    package let xLabel: String
    package let yLabel: String
    /// A place for each of the plot's points.
    package let places: [(x: Double, y: Double)]

    package init(title: String, xLabel: String, yLabel: String, places: [(x: Double, y: Double)]) {
      (self.title, self.xLabel, self.yLabel, self.places) = (title, xLabel, yLabel, places)
    }
  }

  /// What is known of a point, on every plane.
  package struct Point: Sendable {
    /// Index of its group's name.
    package let group: Int
    /// Index of its mark's name; 0 where there are no marks.
    package let mark: Int
    /// What a reader sees who rests on the point.
    package let tip: String
    /// A small picture, as a `data:` address; empty for none.
    package let image: String

    package init(group: Int, mark: Int = 0, tip: String, image: String = "") {
      (self.group, self.mark, self.tip, self.image) = (group, mark, tip, image)
    }
  }

  package let title: String
  package let panels: [Panel]
  package let points: [Point]
  package let groups: [String]
  /// Names of marks; empty where groups alone are told apart.
  package let marks: [String]

  /// - Precondition: there is a point, each panel has a place for each, and names for all.
  package init(
    title: String, panels: [Panel], points: [Point], groups: [String], marks: [String] = []
  ) {
    precondition(!points.isEmpty && panels.allSatisfy { $0.places.count == points.count })
    precondition(
      points.allSatisfy {
        groups.indices ~= $0.group && (marks.isEmpty || marks.indices ~= $0.mark)
      })
    (self.title, self.panels, self.points) = (title, panels, points)
    (self.groups, self.marks) = (groups, marks)
  }

  static let side = 560.0
  static let (left, top) = (48.0, 76.0)
  /// From this many groups on, each has a number, which stands on the plane and in the legend.
  static let mostWithoutNumbers = 26
  /// Letters of a name in the legend.
  static let longestName = 26

  /// Whether groups are told by numbers: more than colours and shapes can keep apart.
  var isNumbered: Bool { groups.count > Self.mostWithoutNumbers && marks.isEmpty }

  /// The drawing as the text of an SVG file.
  package var svg: String {
    let legend = ScatterLegend(self)
    var drawing = SVGDocument(
      width: Double(panels.count) * (Self.side + Self.left) + 24 + legend.width,
      height: Self.top + Self.side + 44 + legend.height, title: title)
    drawing.text(title, x: Self.left, y: 28, size: 15, isBold: true)
    for (index, panel) in panels.enumerated() {
      draw(panel, left: Self.left + Double(index) * (Self.side + Self.left), &drawing)
    }
    legend.draw(&drawing)
    return drawing.text
  }

  /// How a point is drawn.
  func style(group: Int, mark: Int) -> (marker: Marker, color: String, isHollow: Bool) {
    // Seven colours and six shapes have no common divisor: 42 pairs, then the same hollow.
    (
      .number(marks.isEmpty ? group : mark), Ink.series(group),
      marks.isEmpty && group / (Ink.seriesCount * Marker.allCases.count) % 2 == 1
    )
  }

  private func draw(_ panel: Panel, left: Double, _ drawing: inout SVGDocument) {
    let top = Self.top
    if panels.count > 1 || !title.hasSuffix(panel.title) {
      drawing.text(panel.title, x: left + Self.side / 2, y: top - 12, anchor: .middle, size: 13)
    }
    for y in [top, top + Self.side] {
      drawing.line((left, y), (left + Self.side, y), color: Ink.axis)
    }
    for x in [left, left + Self.side] {
      drawing.line((x, top), (x, top + Self.side), color: Ink.axis)
    }
    drawing.text(panel.xLabel, x: left + Self.side / 2, y: top + Self.side + 26, anchor: .middle)
    drawing.text(
      panel.yLabel, x: left - 18, y: top + Self.side / 2, anchor: .middle, angle: -90)
    let places = Self.fitted(panel.places).map {
      (x: left + Self.side / 2 + $0.x * Self.side, y: top + Self.side / 2 - $0.y * Self.side)
    }
    let size = points.count > 5000 ? 1.8 : points.count > 1500 ? 2.5 : 3.2
    for (point, place) in zip(points, places) {
      let style = style(group: point.group, mark: point.mark)
      drawing.marker(
        style.marker, x: place.x, y: place.y, size: size, color: style.color,
        isHollow: style.isHollow, tip: point.tip)
    }
    if isNumbered { drawNumbers(places, &drawing) }
  }

  /// The number of each group at the middle of its points.
  private func drawNumbers(_ places: [(x: Double, y: Double)], _ drawing: inout SVGDocument) {
    var members = [[Int]](repeating: [], count: groups.count)
    for (index, point) in points.enumerated() { members[point.group].append(index) }
    for (group, indices) in members.enumerated() where !indices.isEmpty {
      func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
      let text = String(group + 1)
      let (x, y) = (median(indices.map { places[$0].x }), median(indices.map { places[$0].y }))
      let width = 5.6 * Double(text.utf8.count) + 3
      drawing.rectangle(x: x - width / 2, y: y - 6, width: width, height: 12, fill: "#ffffffcc")
      drawing.text(text, x: x, y: y + 3.6, anchor: .middle, size: 10, isBold: true)
    }
  }

  /// Places in −0.5…0.5 of a square that holds them all, with a margin.
  static func fitted(_ places: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let (lowX, highX) = (places.map(\.x).min()!, places.map(\.x).max()!)
    let (lowY, highY) = (places.map(\.y).min()!, places.map(\.y).max()!)
    let extent = max(highX - lowX, highY - lowY, 1e-12) * 1.06
    return places.map {
      (($0.x - (lowX + highX) / 2) / extent, ($0.y - (lowY + highY) / 2) / extent)
    }
  }
}
