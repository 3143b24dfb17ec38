internal import Classification
internal import FeatureStore
internal import Files
internal import Foundation
internal import Plotting

extension EvaluationResult {
  /// Tables for people, one for each group of columns: a line a method, mean ± deviation in per cent,
  /// and beside it the published number in brackets where there is one.
  package var text: String {
    let spread =
      evaluation.splitCount > 1 ? " ± standard deviation over \(evaluation.splitCount) splits" : ""
    var lines = ["\(evaluation.title): mean accuracy per class in %\(spread)"]
    if cells.contains(where: { $0.paper != nil }) {
      lines[0] += " (published; [what the paper calls the method])"
    }
    var groups: [String] = []
    for column in plan.columns where !groups.contains(column.group) { groups.append(column.group) }
    for group in groups {
      lines.append("")
      let columns = plan.columns.filter { $0.group == group }
      let isFewShot = if case .fewShot = evaluation.design { true } else { false }
      var rows = [[group] + columns.map { isFewShot ? "n = \($0.name)" : $0.name }]
      for method in methods {
        let cells = columns.map { cell(method, $0) }
        let name = cells.lazy.compactMap { $0.paper?.method }.first.map { " [\($0)]" } ?? ""
        rows.append([method.description + name] + cells.map(Self.text(of:)))
      }
      rows += baselineRows(group, columns)
      lines += Self.aligned(rows)
    }
    if !departures.isEmpty { lines += [""] + departures }
    if notFiniteCount > 0 {
      lines += ["", "Left out: \(notFiniteCount) tests of rows with infinite features."]
    }
    if unprovedCount > 0 {
      lines += [
        "",
        "Of \(unprovedCount) trainings more than half of the objective is unproved: their accuracies "
          + "may mean nothing.",
      ]
    }
    return lines.joined(separator: "\n")
  }

  /// A line for each method that only others have tried.
  private func baselineRows(_ group: String, _ columns: [Column]) -> [[String]] {
    let own = baselines.filter { $0.group == group }
    var names: [String] = []
    for baseline in own where !names.contains(baseline.method) { names.append(baseline.method) }
    return names.map { name in
      [name]
        + columns.map { column in
          own.first { $0.method == name && $0.column == column.name }
            .map { Self.published($0.accuracy, $0.deviation) } ?? ""
        }
    }
  }

  /// `84.3 ± 1.6 (84.30 ± 1.6)`
  private static func text(of cell: Cell) -> String {
    var text = fixed(cell.mean, 1)
    if let deviation = cell.deviation { text += " ± \(fixed(deviation, 1))" }
    if let paper = cell.paper { text += " \(published(paper.accuracy, paper.deviation))" }
    return text
  }

  private static func published(_ accuracy: Double, _ deviation: Double?) -> String {
    "(\(fixed(accuracy, 2))\(deviation.map { " ± \(fixed($0, 1))" } ?? ""))"
  }

  static func fixed(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }

  /// Lines whose columns start at the same place.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      let padded = zip(row, widths).map { text, width in
        text + String(repeating: " ", count: width - text.count)
      }.joined(separator: "  ")
      return String(padded.reversed().drop { $0 == " " }.reversed())
    }
  }

  /// A line a method and column, tab-separated.
  package var table: [UInt8] {
    let header = [
      "layer", "loss", "dropout", "group", "column", "accuracy", "deviation", "paper",
      "paper_deviation", "paper_method",
    ]
    var text = Array(header.joined(separator: "\t").utf8)
    text.append(UInt8(ascii: "\n"))
    for cell in cells {
      let fields = [
        cell.method.layer, cell.method.loss.rawValue, "\(cell.method.dropout)",
        cell.column.group, cell.column.name, "\(cell.mean)", cell.deviation.map { "\($0)" } ?? "",
        cell.paper.map { "\($0.accuracy)" } ?? "", cell.paper?.deviation.map { "\($0)" } ?? "",
        cell.paper?.method ?? "",
      ]
      for (index, field) in fields.enumerated() {
        if index > 0 { text.append(UInt8(ascii: "\t")) }
        FieldEscape.append(field.utf8, to: &text)
      }
      text.append(UInt8(ascii: "\n"))
    }
    return text
  }

  /// The confusion as tab-separated counts: a line a true class, a column a predicted one.
  package var confusionTable: [UInt8] {
    let matrix = confusion
    var text = Array("true\\predicted".utf8)
    for name in matrix.classes {
      text.append(UInt8(ascii: "\t"))
      FieldEscape.append(name.utf8, to: &text)
    }
    for (row, name) in matrix.classes.enumerated() {
      text.append(UInt8(ascii: "\n"))
      FieldEscape.append(name.utf8, to: &text)
      for column in matrix.classes.indices {
        text += "\t\(matrix.counts[row * matrix.classes.count + column])".utf8
      }
    }
    text.append(UInt8(ascii: "\n"))
    return text
  }

  /// Where each row stands in the order that splits take rows from.
  package var splitTable: [UInt8] { plan.table }
}
