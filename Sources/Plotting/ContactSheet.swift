/// Lines of small pictures on one page: the first of each line is what the others are near to.
package struct ContactSheet: Sendable {
  package struct Cell: Sendable {
    /// A `data:` address; empty for none.
    package let image: String
    package let name: String
    package let label: String
    package let note: String
    /// Whether it is of another class than the first.
    package let isOther: Bool

    package init(image: String, name: String, label: String, note: String, isOther: Bool) {
      (self.image, self.name, self.label) = (image, name, label)
      (self.note, self.isOther) = (note, isOther)
    }
  }

  package let title: String
  package let lines: [[Cell]]

  package init(title: String, lines: [[Cell]]) { (self.title, self.lines) = (title, lines) }

  /// The page's text; needs no network.
  package var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    \(PictureMark.comment)
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(XMLEscape.escaped(title))</title>
    <style>body{font:12px Helvetica,Arial,sans-serif;color:#222;margin:1em}h1{font-size:1.3em}
    \(Self.style)</style>
    <h1>\(XMLEscape.escaped(title))</h1>
    <p>The first of each line is the row asked for, then its neighbors and their distances; a dashed frame \
    is of another class.</p>
    \(Self.table(lines))
    </html>

    """
  }

  /// How lines of pictures look, on whatever page.
  static let style = """
    .sheet{overflow-x:auto}.sheet td{vertical-align:top;min-width:76px;max-width:150px;padding:3px;
    font-size:12px;overflow-wrap:anywhere}
    .sheet:not(.apart) tr{display:flex;flex-wrap:wrap}
    .sheet.apart td:first-child{border-right:2px solid #888}
    .sheet td.other{outline:2px dashed #d55e00;outline-offset:-2px}
    .sheet small{opacity:.7;display:block}.sheet img{display:block}.sheet tr{break-inside:avoid}
    """

  /// The lines as a table.
  ///
  /// - Parameter isFirstApart: whether the others of a line are seen against its first.
  static func table(_ lines: [[Cell]], isFirstApart: Bool = true) -> String {
    let rows = lines.map { line in "<tr>\(line.map(Self.cell).joined())</tr>" }
    return "<div class=\"sheet\(isFirstApart ? " apart" : "")\"><table>\n"
      + "\(rows.joined(separator: "\n"))\n</table></div>"
  }

  private static func cell(_ cell: Cell) -> String {
    let image =
      cell.image.isEmpty ? "" : "<img src=\"\(XMLEscape.escaped(cell.image))\" alt=\"\">"
    let name = XMLEscape.escaped(cell.name)
    // Without a picture the path itself is shown.
    let text = XMLEscape.escaped(cell.label) + (cell.image.isEmpty ? " \(name)" : "")
    return "<td title=\"\(name)\"\(cell.isOther ? " class=\"other\"" : "")>\(image)\(text)"
      + "<small>\(XMLEscape.escaped(cell.note))</small></td>"
  }
}
