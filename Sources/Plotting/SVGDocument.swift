/// A drawing as SVG 1.1 text, written element by element.
///
/// The same calls give the same bytes: numbers are rounded to hundredths of a pixel, and nothing
/// about the run or the machine is in the file.
struct SVGDocument {
  private var lines: [String] = []
  private let width: Double
  private let height: Double

  /// - Parameter title: what screen readers say.
  init(width: Double, height: Double, title: String) {
    self.width = width
    self.height = height
    lines.append("<title>\(XMLEscape.escaped(title))</title>")
    rectangle(x: 0, y: 0, width: width, height: height, fill: "#ffffff")
  }

  /// The file's text.
  var text: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" width="\(Self.number(width))" \
    height="\(Self.number(height))" viewBox="0 0 \(Self.number(width)) \(Self.number(height))" \
    font-family="Helvetica, Arial, sans-serif" font-size="12" fill="\(Ink.text)">
    \(PictureMark.comment)
    \(lines.joined(separator: "\n"))
    </svg>

    """
  }

  enum Anchor: String {
    case start, middle, end
  }

  mutating func rectangle(
    x: Double, y: Double, width: Double, height: Double, fill: String, tip: String? = nil
  ) {
    add(
      "rect",
      [
        ("x", Self.number(x)), ("y", Self.number(y)), ("width", Self.number(width)),
        ("height", Self.number(height)), ("fill", fill),
      ], tip: tip)
  }

  mutating func line(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), color: String, width: Double = 1
  ) {
    add(
      "line",
      [
        ("x1", Self.number(a.x)), ("y1", Self.number(a.y)), ("x2", Self.number(b.x)),
        ("y2", Self.number(b.y)), ("stroke", color), ("stroke-width", Self.number(width)),
      ])
  }

  /// A line through all points.
  mutating func polyline(_ points: [(x: Double, y: Double)], color: String, isDashed: Bool = false)
  {
    var attributes = [
      ("points", points.map { "\(Self.number($0.x)),\(Self.number($0.y))" }.joined(separator: " ")),
      ("fill", "none"), ("stroke", color), ("stroke-width", "2"), ("stroke-linejoin", "round"),
    ]
    if isDashed { attributes.append(("stroke-dasharray", "6 4")) }
    add("polyline", attributes)
  }

  /// Text whose baseline is at `y`; `angle` in degrees, clockwise, about its anchor.
  mutating func text(
    _ text: String, x: Double, y: Double, anchor: Anchor = .start, size: Double = 12,
    color: String = Ink.text, isBold: Bool = false, angle: Double = 0
  ) {
    var attributes = [
      ("x", Self.number(x)), ("y", Self.number(y)), ("text-anchor", anchor.rawValue),
      ("font-size", Self.number(size)), ("fill", color),
    ]
    if isBold { attributes.append(("font-weight", "bold")) }
    if angle != 0 {
      attributes.append(
        ("transform", "rotate(\(Self.number(angle)) \(Self.number(x)) \(Self.number(y)))"))
    }
    lines.append("<text\(Self.attributes(attributes))>\(XMLEscape.escaped(text))</text>")
  }

  /// A mark centred on a point; the shapes can be told apart without colours.
  mutating func marker(
    _ shape: Marker, x: Double, y: Double, size: Double = 4.5, color: String,
    isHollow: Bool = false,
    tip: String? = nil
  ) {
    let paint = [
      ("fill", isHollow ? "#ffffff" : color), ("stroke", color), ("stroke-width", "1.5"),
    ]
    guard let corners = shape.corners else {
      add(
        "circle",
        [("cx", Self.number(x)), ("cy", Self.number(y)), ("r", Self.number(size))] + paint,
        tip: tip)
      return
    }
    let points = corners.map {
      "\(Self.number(x + size * $0.0)),\(Self.number(y + size * $0.1))"
    }
    add("polygon", [("points", points.joined(separator: " "))] + paint, tip: tip)
  }

  /// A picture by its address; pixels stay squares when it is enlarged.
  mutating func image(_ address: String, x: Double, y: Double, width: Double, height: Double) {
    add(
      "image",
      [
        ("x", Self.number(x)), ("y", Self.number(y)), ("width", Self.number(width)),
        ("height", Self.number(height)), ("href", address), ("style", "image-rendering:pixelated"),
      ])
  }

  private mutating func add(
    _ name: String, _ attributes: [(String, String)], tip: String? = nil
  ) {
    let start = "<\(name)\(Self.attributes(attributes))"
    lines.append(
      tip.map { "\(start)><title>\(XMLEscape.escaped($0))</title></\(name)>" } ?? "\(start)/>")
  }

  private static func attributes(_ attributes: [(String, String)]) -> String {
    attributes.map { " \($0.0)=\"\(XMLEscape.escaped($0.1))\"" }.joined()
  }

  /// A number with so many decimals, zeros too: in a column of numbers that are compared.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    let scale = Int((0..<decimals).reduce(1) { scale, _ in 10 * scale })
    let place = value.isNaN ? 0 : min(max(value, -1e6), 1e6)
    let units = Int((place * Double(scale)).rounded())
    let (whole, rest) = abs(units).quotientAndRemainder(dividingBy: scale)
    let digits = String(rest)
    let zeros = String(repeating: "0", count: max(0, decimals - digits.utf8.count))
    return (units < 0 ? "-" : "") + "\(whole)" + (decimals > 0 ? ".\(zeros)\(digits)" : "")
  }

  /// A number in at most two decimals, without trailing zeros.
  ///
  /// Coordinates come from results: one that no picture has is drawn at its edge, NaN at 0.
  static func number(_ value: Double) -> String {
    let place = value.isNaN ? 0 : min(max(value, -1e6), 1e6)
    let hundredths = Int((place * 100).rounded())
    let (whole, rest) = abs(hundredths).quotientAndRemainder(dividingBy: 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return rest % 10 == 0
      ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}
