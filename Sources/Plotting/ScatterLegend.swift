/// The names of a scatter plot's groups and marks: beside the planes, or below when they are many.
struct ScatterLegend {
  private let plot: ScatterPlot
  private let names: [String]
  /// Lines, each a name; marks come first, in the colour of text.
  private var lineCount: Int { plot.groups.count + (plot.marks.isEmpty ? 0 : plot.marks.count + 1) }

  private static let lineHeight = 13.0

  init(_ plot: ScatterPlot) {
    self.plot = plot
    // Many names are shorter: more columns, and a picture that is no list.
    names = plot.groups.map {
      Self.shortened($0, to: plot.isNumbered ? 20 : ScatterPlot.longestName)
    }
  }

  private var isBelow: Bool { lineCount > ScatterPlot.mostWithoutNumbers }

  private var planeWidth: Double {
    Double(plot.panels.count) * (ScatterPlot.side + ScatterPlot.left)
  }

  /// Of a column below the planes: its mark, the longest of all names, and a gap.
  private var columnWidth: Double {
    let number = plot.isNumbered ? String(plot.groups.count).count + 1 : 0
    let longest = (names + plot.marks.map { Self.shortened($0, to: ScatterPlot.longestName) }).map(
      \.count
    ).max()!
    return 28 + 5.1 * Double(longest + number)
  }

  private var columns: Int { max(1, min(lineCount, Int(planeWidth / columnWidth))) }
  private var linesPerColumn: Int { (lineCount + columns - 1) / columns }

  /// What it adds to the picture's sides.
  var width: Double {
    if isBelow { return 0 }
    let longest = (names + plot.marks).map(\.count).max() ?? 0
    return 36 + 6.8 * Double(min(longest, ScatterPlot.longestName))
  }
  var height: Double { isBelow ? Double(linesPerColumn) * Self.lineHeight + 24 : 0 }

  func draw(_ drawing: inout SVGDocument) {
    let below = ScatterPlot.top + ScatterPlot.side + 52
    func place(_ line: Int) -> (x: Double, y: Double) {
      isBelow
        ? (
          ScatterPlot.left + Double(line / linesPerColumn) * columnWidth,
          below + Double(line % linesPerColumn) * Self.lineHeight
        ) : (planeWidth + 24, ScatterPlot.top + 8 + 20 * Double(line))
    }
    let size = isBelow ? 10.0 : 12
    for (mark, name) in plot.marks.enumerated() {
      let (x, y) = place(mark)
      drawing.marker(.number(mark), x: x, y: y, size: 3.6, color: Ink.text)
      drawing.text(
        Self.shortened(name, to: ScatterPlot.longestName), x: x + 11, y: y + 3.6, size: size)
    }
    let first = plot.marks.isEmpty ? 0 : plot.marks.count + 1
    for (group, name) in names.enumerated() {
      let (x, y) = place(first + group)
      // A square of the group's colour where shapes say something else.
      let style = plot.style(group: group, mark: 1)
      drawing.marker(
        style.marker, x: x, y: y, size: 3.6, color: style.color, isHollow: style.isHollow)
      drawing.text(
        plot.isNumbered ? "\(group + 1) \(name)" : name, x: x + 11, y: y + 3.6, size: size)
    }
  }

  /// A name of at most so many letters: its beginning and its end, where names of a kind differ.
  static func shortened(_ name: String, to length: Int) -> String {
    if name.count <= length { return name }
    let end = length / 3
    return "\(name.prefix(length - end - 1))…\(name.suffix(end))"
  }
}
