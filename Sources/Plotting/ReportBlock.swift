/// What a section of a report is made of.
package enum ReportBlock: Sendable {
  case text(String)
  /// Names and values.
  case facts([(name: String, value: String)])
  /// Texts by columns; numbers stand at the right.
  case table(header: [String], numbers: Set<Int>, rows: [[String]])
  /// A drawing of this module, as the text of an SVG file.
  case drawing(String)
  /// Shares from 0 to 1 as bars, with what they are in words.
  case bars([(name: String, share: Double, text: String)])
  /// Small pictures in lines; the others of a line may be seen against its first.
  case pictures([[ContactSheet.Cell]], isFirstApart: Bool)

  /// As part of a page.
  var html: String {
    switch self {
    case .text(let text): return "<p>\(XMLEscape.escaped(text))</p>"
    case .facts(let facts):
      let lines = facts.map {
        "<dt>\(XMLEscape.escaped($0.name))</dt><dd>\(XMLEscape.escaped($0.value))</dd>"
      }
      return "<dl>\(lines.joined(separator: "\n"))</dl>"
    case .table(let header, let numbers, let rows):
      func line(_ cells: [String], _ tag: String) -> String {
        let fields = cells.enumerated().map { index, text in
          "<\(tag)\(numbers.contains(index) ? " class=\"n\"" : "")>\(XMLEscape.escaped(text))"
            + "</\(tag)>"
        }
        return "<tr>\(fields.joined())</tr>"
      }
      return "<div class=\"wide\"><table><thead>\(line(header, "th"))</thead>\n"
        + rows.map { line($0, "td") }.joined(separator: "\n") + "</table></div>"
    case .drawing(let svg): return "<figure>\(svg)</figure>"
    case .bars(let bars):
      let lines = bars.map { name, share, text in
        let width = SVGDocument.number(100 * min(max(share, 0), 1))
        return "<li><em>\(XMLEscape.escaped(text))</em><b>\(XMLEscape.escaped(name))</b>"
          + "<i style=\"width:\(width)%\"></i></li>"
      }
      return "<ul class=\"bars\">\(lines.joined(separator: "\n"))</ul>"
    case .pictures(let lines, let isFirstApart):
      return ContactSheet.table(lines, isFirstApart: isFirstApart)
    }
  }
}
