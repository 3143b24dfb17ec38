/// Sections of texts, tables and pictures as one page that needs no network and no script.
///
/// The same sections give the same bytes. Whatever stands in them is escaped here, and nowhere else.
package struct ReportPage: Sendable {
  /// A part of the page, with a heading.
  package struct Section: Sendable {
    package let title: String
    package var blocks: [ReportBlock]

    package init(_ title: String, _ blocks: [ReportBlock]) {
      (self.title, self.blocks) = (title, blocks)
    }
  }

  package let title: String
  package let sections: [Section]
  /// What is not on the page, each with what would bring it.
  package let absences: [String]

  package init(title: String, sections: [Section], absences: [String]) {
    (self.title, self.sections, self.absences) = (title, sections, absences)
  }

  /// The page's text.
  package var html: String {
    let contents = sections.enumerated().map { index, section in
      "<a href=\"#s\(index)\">\(XMLEscape.escaped(section.title))</a>"
    }
    let parts = sections.enumerated().map { index, section in
      "<section id=\"s\(index)\"><h2>\(XMLEscape.escaped(section.title))</h2>\n"
        + section.blocks.map(\.html).joined(separator: "\n") + "\n</section>"
    }
    return """
      <!DOCTYPE html>
      <html lang="en">
      \(PictureMark.comment)
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(XMLEscape.escaped(title))</title>
      <style>\(Self.style)</style>
      <h1>\(XMLEscape.escaped(title))</h1>
      <nav>\(contents.joined(separator: " "))</nav>
      \(parts.joined(separator: "\n"))
      \(absentSection)</html>

      """
  }

  private var absentSection: String {
    if absences.isEmpty { return "" }
    let lines = absences.map { "<li>\(XMLEscape.escaped($0))</li>" }
    return
      "<section id=\"absent\"><h2>Not on this page</h2>\n<ul>\(lines.joined())</ul></section>\n"
  }

  /// Drawings keep their white ground in dark surroundings: their colours are chosen for it.
  private static let style = """
    :root{color-scheme:light dark;--text:#222;--faint:#666;--ground:#fff;--line:#ccc;--bar:#0072b2}
    @media(prefers-color-scheme:dark){:root{--text:#ddd;--faint:#aaa;--ground:#1b1b1b;--line:#555;
    --bar:#56b4e9}}
    body{font:14px/1.4 Helvetica,Arial,sans-serif;color:var(--text);background:var(--ground);
    margin:1em auto;max-width:62em;padding:0 1em}
    h1{font-size:1.4em;overflow-wrap:anywhere}h2{font-size:1.15em;margin:1.8em 0 .4em;
    border-bottom:1px solid var(--line);overflow-wrap:anywhere}
    nav a{margin-right:1em;color:inherit}
    .wide{overflow-x:auto;margin:.6em 0}table{border-collapse:collapse}
    th,td{text-align:left;padding:2px 10px 2px 0;vertical-align:top}
    th{font-weight:bold;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right;
    font-variant-numeric:tabular-nums;white-space:nowrap}
    dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 1em;margin:.6em 0}
    dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
    .bars{columns:15em;padding:0;margin:.6em 0;list-style:none;font-size:12px}
    .bars li{break-inside:avoid;margin-bottom:3px}.bars b{font-weight:normal;overflow-wrap:anywhere}
    .bars i{display:block;height:5px;background:var(--bar)}.bars em{float:right;font-style:normal;
    color:var(--faint);margin-left:6px}
    figure{margin:.6em 0;overflow-x:auto}figure svg{display:block;background:#fff}
    .faint{color:var(--faint)}img{display:block}\(ContactSheet.style)
    @media print{:root{--text:#000;--faint:#444;--ground:#fff;--line:#999}nav{display:none}
    body{max-width:none;margin:0}figure svg{max-width:100%;height:auto;max-height:25cm}
    figure,tr,dl,h2{break-inside:avoid}h2{break-after:avoid}.bars i{print-color-adjust:exact}}
    """
}
