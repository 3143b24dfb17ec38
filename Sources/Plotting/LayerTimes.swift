/// What each layer of a network takes: a bar a layer, and the shares of kinds of layers; the form of
/// figure 3 of the DeCAF paper (Donahue et al. 2014).
package struct LayerTimes: Sendable {
  /// What sort of work a layer is.
  package enum Kind: String, Sendable, CaseIterable {
    case convolution = "convolutions"
    case innerProduct = "inner products"
    case other = "all else"
  }

  package struct Layer: Sendable {
    package let name: String
    package let kind: Kind
    /// A thread's milliseconds an image.
    package let milliseconds: Double

    package init(name: String, kind: Kind, milliseconds: Double) {
      (self.name, self.kind, self.milliseconds) = (name, kind, milliseconds)
    }
  }

  package let title: String
  package let layers: [Layer]
  /// Lines below the drawing.
  package let notes: [String]

  package init(title: String, layers: [Layer], notes: [String]) {
    (self.title, self.layers, self.notes) = (title, layers, notes)
  }

  /// Of the time of all layers, from 0 to 1.
  package func share(of kind: Kind) -> Double {
    let total = layers.reduce(0) { $0 + $1.milliseconds }
    let own = layers.filter { $0.kind == kind }.reduce(0) { $0 + $1.milliseconds }
    return total > 0 ? own / total : 0
  }

  private static let (rowHeight, barWidth, top) = (20.0, 420.0, 56.0)

  /// The drawing as the text of an SVG file.
  ///
  /// - Precondition: there is a layer.
  package var svg: String {
    let nameWidth = 24 + 6.8 * Double(layers.map(\.name.count).max()!)
    let left = max(nameWidth, 80)
    let bottom = Self.top + Self.rowHeight * Double(layers.count)
    var drawing = SVGDocument(
      width: left + Self.barWidth + 130, height: bottom + 96 + 16 * Double(notes.count),
      title: title)
    drawing.text(title, x: 16, y: 28, size: 15, isBold: true)
    let total = layers.reduce(0) { $0 + $1.milliseconds }
    let longest = layers.map(\.milliseconds).max()!
    for (index, layer) in layers.enumerated() {
      let y = Self.top + Self.rowHeight * Double(index)
      drawing.text(layer.name, x: left - 8, y: y + 13, anchor: .end)
      let width = longest > 0 ? Self.barWidth * layer.milliseconds / longest : 0
      drawing.rectangle(
        x: left, y: y + 2, width: max(width, 0.5), height: Self.rowHeight - 5,
        fill: Self.color(layer.kind), tip: "\(layer.name): \(layer.kind.rawValue)")
      drawing.text(
        Self.text(milliseconds: layer.milliseconds) + " ms, "
          + Self.percent(total > 0 ? layer.milliseconds / total : 0),
        x: left + width + 6, y: y + 13, size: 11, color: Ink.faint)
    }
    drawing.line((left, Self.top - 4), (left, bottom + 4), color: Ink.axis)
    drawShares(left: left, y: bottom + 22, &drawing)
    for (index, note) in notes.enumerated() {
      drawing.text(
        note, x: 16, y: bottom + 78 + 16 * Double(index), size: 11, color: Ink.faint)
    }
    return drawing.text
  }

  /// One bar of all, cut by kind, with the shares in words: colors alone tell nobody.
  private func drawShares(left: Double, y: Double, _ drawing: inout SVGDocument) {
    drawing.text("by kind", x: left - 8, y: y + 13, anchor: .end)
    var x = left
    for kind in Kind.allCases {
      let width = Self.barWidth * share(of: kind)
      drawing.rectangle(
        x: x, y: y + 1, width: width, height: 16, fill: Self.color(kind), tip: kind.rawValue)
      x += width
    }
    var place = left
    for kind in Kind.allCases {
      let text = "\(kind.rawValue) \(Self.percent(share(of: kind)))"
      drawing.rectangle(x: place, y: y + 26, width: 10, height: 10, fill: Self.color(kind))
      drawing.text(text, x: place + 14, y: y + 35, size: 11)
      place += 34 + 6.2 * Double(text.count)
    }
  }

  private static func color(_ kind: Kind) -> String {
    switch kind {
    // Dark, middle and light: they are told apart in gray too.
    case .convolution: Ink.series(0)
    case .innerProduct: Ink.series(4)
    case .other: Ink.pale
    }
  }

  private static func percent(_ share: Double) -> String {
    "\(SVGDocument.fixed(100 * share, 1)) %"
  }

  private static func text(milliseconds: Double) -> String {
    SVGDocument.fixed(milliseconds, milliseconds < 10 ? 3 : 1)
  }
}
