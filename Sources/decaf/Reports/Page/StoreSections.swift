internal import Embedding
internal import FeatureStore
internal import Files
internal import Plotting
internal import Tensors

/// What a page says of a store: what it is, its classes, what failed, and which rows are near others.
struct StoreSections {
  let store: Store
  let pictures: ReportPictures
  /// After headings: the store's name, where there are several.
  let suffix: String
  let team: ThreadTeam

  private static let mostFailures = 30
  private static let mostReasons = 12
  /// Classes whose bars a page has.
  private static let mostClasses = 1000
  private static let (queryCount, neighborCount) = (12, 8)
  /// Rows of the table that are read at once.
  private static let block = 4096

  var provenance: ReportPage.Section {
    get throws {
      .init("Provenance\(suffix)", [.facts(try InfoReport.of(store.path).lines)])
    }
  }

  var classes: ReportPage.Section {
    var counts = [Int](repeating: 0, count: store.classes.count)
    var unlabelled = 0
    for index in store.rows.labelIndices {
      if index < 0 { unlabelled += 1 } else { counts[Int(index)] += 1 }
    }
    var blocks: [ReportBlock] = [
      .text(
        "\(ReportText.count(store.rowCount, "image")) in "
          + "\(store.classes.count) class\(store.classes.count == 1 ? "" : "es")"
          + (unlabelled > 0 ? ", \(unlabelled) without a label" : "")
          + (counts.isEmpty ? "." : "; from \(counts.min()!) to \(counts.max()!) a class."))
    ]
    if let most = counts.max() {
      blocks.append(
        .bars(
          zip(store.classes, counts).prefix(Self.mostClasses).map {
            ($0.description, Double($1) / Double(max(1, most)), "\($1)")
          }))
      if counts.count > Self.mostClasses {
        blocks.append(.text("The first \(Self.mostClasses) of \(counts.count) classes."))
      }
    }
    return .init("Classes\(suffix)", blocks)
  }

  /// Failed rows by reason, the first of them with what their files are now; warnings of decoders.
  func failures(_ progress: StepProgress) -> ReportPage.Section {
    var reasons: [String: Int] = [:]
    var warnings: [String: Int] = [:]
    var shown: [(row: Int, entry: RowTable.Row)] = []
    for start in stride(from: 0, to: store.rowCount, by: Self.block) {
      progress.show("rows", start, of: store.rowCount)
      let range = start..<min(start + Self.block, store.rowCount)
      for (row, entry) in zip(range, store.rows[range]) where !entry.message.isEmpty {
        // What follows the first colon is of the one file.
        let reason = String(entry.message.prefix { $0 != ":" })
        if entry.status == .ok {
          warnings[reason, default: 0] += 1
          continue
        }
        reasons[reason, default: 0] += 1
        if shown.count < Self.mostFailures { shown.append((row, entry)) }
      }
    }
    let failed = store.rows.failedCount
    var blocks: [ReportBlock] = [
      .text(
        failed == 0
          ? "No image failed."
          : "\(ReportText.count(failed, "image")) of \(store.rowCount) failed; the rows hold NaN.")
    ]
    if failed > 0 {
      blocks.append(Self.table("reason", reasons))
      let items = shown.map { row, entry in
        [
          ReportPictures.Item(
            path: entry.path, label: entry.label?.description ?? "",
            note: "row \(row), \(entry.path): \(entry.message)")
        ]
      }
      blocks.append(.text(shown.count < failed ? "The first \(shown.count):" : "All of them:"))
      // Side by side: each stands for itself.
      blocks.append(
        pictures.lines(
          stride(from: 0, to: items.count, by: 6).map {
            items[$0..<min($0 + 6, items.count)].flatMap(\.self)
          }, of: store, isFirstApart: false))
    }
    if !warnings.isEmpty {
      blocks.append(.text("Decoded with a warning:"))
      blocks.append(Self.table("warning", warnings))
    }
    return .init("Failures\(suffix)", blocks)
  }

  private static func table(_ name: String, _ counts: [String: Int]) -> ReportBlock {
    let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let rest = sorted.dropFirst(mostReasons).reduce(0) { $0 + $1.value }
    return .table(
      header: [name, "images"], numbers: [1],
      rows: sorted.prefix(mostReasons).map { [$0.key, "\($0.value)"] }
        + (rest > 0 ? [["others", "\(rest)"]] : []))
  }

  /// The nearest rows of a few, spread evenly over the store.
  ///
  /// - Throws: `EmbeddingError`, `StoreError`.
  func neighbors(_ layer: String, _ progress: StepProgress) throws -> ReportPage.Section? {
    let usable = RowChoice.usable(of: store)
    if usable.count < 2 { return nil }
    let stored = try store.layer(named: layer)
    let rows = FeatureRows(
      stored, rows: usable, path: store.path, isNormalized: false)
    let count = min(Self.queryCount, usable.count)
    let queries = (0..<count).map { $0 * usable.count / count }
    let found = try NearestRows(
      of: queries, count: usable.count, width: rows.width, size: Self.neighborCount, team: team,
      progress: { progress.show("neighbors, block", $0, of: $1) },
      read: { range, values in
        try rows.append(range, to: &values)
        stored.isDone(with: usable[range.lowerBound]..<usable[range.upperBound - 1] + 1)
      })
    func item(_ index: Int, _ note: String, isOther: Bool = false) -> ReportPictures.Item {
      let entry = store.rows[usable[index]]
      return .init(
        path: entry.path, label: entry.label?.description ?? "", note: note, isOther: isOther)
    }
    let lines = zip(queries, found.lists).map { query, list in
      [item(query, "row \(usable[query])")]
        + list.map { neighbor in
          let isOther =
            store.labelIndex(usable[neighbor.index]) != store.labelIndex(usable[query])
          return item(
            neighbor.index, ReportText.significant(neighbor.distance), isOther: isOther)
        }
    }
    return .init(
      "Nearest neighbors by \(layer)\(suffix)",
      [
        .text(
          "Of \(ReportText.count(queries.count, "row")) spread over the store, the nearest of "
            + "\(usable.count) by Euclidean distance, which stands below each; a dashed frame is of "
            + "another class."),
        pictures.lines(lines, of: store),
      ])
  }
}
