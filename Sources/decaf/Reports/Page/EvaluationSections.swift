internal import Evaluation
internal import FeatureStore
internal import Files
internal import Plotting

/// What a page says of an evaluation: its table, its curve, and what the best method takes for what.
struct EvaluationSections {
  let results: RecordedResults
  /// Stores on the page; one that took part gives images of its classes.
  let stores: [Store]
  let pictures: ReportPictures

  var sections: [ReportPage.Section] {
    var blocks: [ReportBlock] = [
      .text(
        "Mean accuracy per class in %"
          + (results.splitCount > 1
            ? " ± standard deviation over \(results.splitCount) splits" : "")
          + (results.cells.contains { $0.published != nil } || !results.baselines.isEmpty
            ? " (published)." : "."))
    ]
    blocks += RecordedResults.inOrder(results.cells.map(\.group)).map(table)
    blocks += results.departures.map { .text($0) }
    if results.unconverged > 0 {
      blocks.append(
        .text("\(ReportText.count(results.unconverged, "training")) stayed above the tolerance."))
    }
    var sections = [ReportPage.Section("Evaluation: \(results.title)", blocks)]
    if let curve = results.curve {
      sections.append(.init("Learning curve: \(results.title)", [.drawing(curve.svg)]))
    }
    return sections + [confusion]
  }

  private func table(_ group: String) -> ReportBlock {
    let own = results.cells.filter { $0.group == group }
    let baselines = results.baselines.filter { $0.group == group }
    let columns = RecordedResults.inOrder(own.map(\.column))
    let rows = RecordedResults.inOrder(own.map(\.method)).map { method in
      [method]
        + columns.map { column in
          own.first { $0.method == method && $0.column == column }.map { cell in
            cell.text + (cell.publishedText.map { " (\($0))" } ?? "")
          } ?? ""
        }
    }
    let others = RecordedResults.inOrder(baselines.map(\.method)).map { method in
      [method]
        + columns.map { column in
          baselines.first { $0.method == method && $0.column == column }.map { "(\($0.text))" }
            ?? ""
        }
    }
    return .table(
      header: [group.isEmpty ? "method" : group]
        + columns.map { results.isFewShot ? "n = \($0)" : $0 },
      numbers: Set(1...columns.count), rows: rows + others)
  }

  private var confusion: ReportPage.Section {
    let best = results.best
    let splits = results.splitCount > 1 ? ", \(results.splitCount) splits" : ""
    let section = ConfusionSection(
      title: "\(results.title): \(results.bestHeading)\(splits)", classes: results.classes,
      correct: best.correct, totals: best.tested)
    var blocks: [ReportBlock] = [
      .text("\(results.bestHeading)\(splits): \(best.text) %.")
    ]
    blocks += section.accuracies
    if let counts = results.confusion {
      blocks += section.matrix(counts)
      blocks += pairs(counts)
    } else {
      blocks.append(.text("confusion.tsv, beside results.json, is not there or of other classes."))
    }
    return .init("Confusion: \(results.title)", blocks)
  }

  /// The pairs that were confused most; as images too, where a store of theirs is on the page.
  private func pairs(_ counts: [Int]) -> [ReportBlock] {
    let k = results.classes.count
    let totals = (0..<k).map { counts[$0 * k..<($0 + 1) * k].reduce(0, +) }
    let sorted = counts.indices.filter { counts[$0] > 0 && $0 / k != $0 % k }.sorted {
      (counts[$1], $0) < (counts[$0], $1)
    }
    let shown = sorted.prefix(ConfusionSection.mostPairs)
    guard !shown.isEmpty else { return [] }
    let table = ConfusionSection.table(
      shown.map {
        (results.classes[$0 / k], results.classes[$0 % k], counts[$0], totals[$0 / k])
      })
    let own = Set(results.fingerprints.values)
    guard let store = stores.first(where: { own.contains($0.manifest.fingerprint) }) else {
      return [table, .text("With its store on the page, images show what was confused.")]
    }
    let examples = examples(of: store, Set(shown.flatMap { [$0 / k, $0 % k] }))
    let lines = shown.map { pair in
      (examples[pair / k] ?? [])
        + (examples[pair % k] ?? []).map {
          var item = $0
          item.isOther = true
          return item
        }
    }.filter { !$0.isEmpty }
    return [
      table,
      .text(
        "Images of the same pairs, of the true class and, framed, of the class it was taken for; which "
          + "single images were confused the results do not say, the table of decaf predict does."),
      pictures.lines(Array(lines), of: store, isFirstApart: false),
    ]
  }

  /// The first images of some classes.
  private func examples(
    of store: Store, _ wanted: Set<Int>
  ) -> [Int: [ReportPictures.Item]] {
    let names = Dictionary(
      store.classes.enumerated().map { ($1.description, $0) }, uniquingKeysWith: { a, _ in a })
    var wantedLabels: [Int: Int] = [:]
    for index in wanted {
      if let label = names[results.classes[index]] { wantedLabels[label] = index }
    }
    var found: [Int: [ReportPictures.Item]] = [:]
    for row in 0..<store.rowCount where store.status(row) == .ok {
      guard let label = store.labelIndex(row), let index = wantedLabels[label],
        found[index, default: []].count < 3
      else { continue }
      found[index, default: []].append(
        .init(path: store.rows[row].path, label: results.classes[index], note: "row \(row)"))
    }
    return found
  }
}
