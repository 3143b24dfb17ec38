internal import ArgumentParser
internal import Classification
internal import Embedding
internal import FeatureStore
internal import Files
internal import Foundation
internal import Plotting
internal import Tensors

/// `decaf neighbors`.
struct NeighborsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neighbors",
    abstract: "Find the rows nearest to each row, or to one.",
    discussion: """
      By Euclidean distance of a layer's values, to all other rows; rows at the same distance come in \
      their order. OUTPUT is a table (.tsv) or a page of small pictures (.html), by the ending of its \
      name; it may take the place of one that decaf made before, and of no other file.

        decaf neighbors images.store --layer fc6 --output near.tsv
        decaf neighbors images.store --layer fc6 --query 7.jpg --output near.html
        decaf neighbors dslr.store --layer fc6 --among webcam.store --count 1 \\
          --output near.tsv
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @OptionGroup var layer: LayerOptions

  @Option(help: "A row's number, or its path as the list had it; default: every row.")
  var query: String?

  @Option(
    help: """
      Another store, whose rows are the neighbors; with --count 1 the agreement printed is the accuracy of \
      a nearest-neighbor classifier trained there. Tables only.
      """, completion: .directory)
  var among: String?

  @Option(help: "Neighbors of a row.")
  var count = 10

  @Option(help: "l2: scale each row to length 1 first; the order is then that of the cosine.")
  var normalize = RowNormalization.none

  @Option(help: "The file to write: .tsv or .html.")
  var output: String

  @OptionGroup var thumbnails: ThumbnailOptions

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  private static let header = Array(
    "row\tpath\tlabel\trank\tneighbor\tpath\tlabel\tdistance\n".utf8)
  /// Rows that a page shows, spread evenly.
  private static let mostShown = 200

  private var isPage: Bool { output.hasSuffix(".html") }

  func validate() throws {
    if !isPage, !output.hasSuffix(".tsv") {
      throw ValidationError("--output \(output): expected a name that ends in .tsv or .html.")
    }
    if among != nil, isPage {
      throw ValidationError("--among makes a table: give --output a name in .tsv.")
    }
    try OptionRange.check("--count", count, atLeast: 1)
  }

  func run() throws {
    try ExistingPicture.check(output) {
      isPage ? PictureMark.isIn($0) : $0.starts(with: Self.header)
    }
    RankNote.sayAlone("neighbors")
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    let team = threads.makeTeam()
    try check.run(store, team)
    let other = try among.map { try Store($0) }
    if let other { try requireSameFeatures(store, other, name) }
    let usable = try RowChoice.some(of: store)
    let queries = try queries(store, usable)
    let candidates = try other.map { try RowChoice.some(of: $0) } ?? usable
    var (values, width) = ([Float](), 0)
    if let other { width = try append(candidates, of: other, name, to: &values) }
    width = try append(usable, of: store, name, to: &values)
    let offset = other == nil ? 0 : candidates.count
    let progress = StepProgress()
    let found = Neighborhoods(
      of: values, width: width, queries: queries.map { $0 + offset },
      candidates: other == nil ? nil : candidates.count, size: count, team: team,
      progress: { progress.show("nearest rows", $0, of: $1) })
    progress.finish()
    let lists = queries.indices.map { i in
      (i * found.size..<(i + 1) * found.size).map {
        Neighbor(row: candidates[Int(found.indices[$0])], distance: found.squares[$0].squareRoot())
      }
    }
    let asked = queries.map { usable[$0] }
    let source = other ?? store
    try write(isPage ? page(store, asked, lists, name, team) : table(store, asked, source, lists))
    try store.requireUnchanged()
    try other?.requireUnchanged()
    print(
      """
      queries     \(queries.count) of \(store.rowCount) rows, \(store.rows.failedCount) failed
      layer       \(name) (\(width))
      agreement   \(agreement(store, asked, source, lists))
      output      \(output)
      """)
  }

  /// Appends rows of a store; returns how many values each has.
  private func append(
    _ usable: [Int], of store: Store, _ layer: String, to values: inout [Float]
  ) throws -> Int {
    let rows = FeatureRows(
      try store.layer(named: layer), rows: usable, path: store.path,
      isNormalized: normalize == .l2)
    values.reserveCapacity(values.count + usable.count * rows.width)
    try rows.append(0..<usable.count, to: &values)
    return rows.width
  }

  /// - Throws: `StoreError` where the other store lacks the layer; `ValidationError` where its rows are
  ///   of another width.
  private func requireSameFeatures(_ store: Store, _ other: Store, _ layer: String) throws {
    let widths = (try store.layer(named: layer).width, try other.layer(named: layer).width)
    if widths.0 != widths.1 {
      throw ValidationError(
        "--among \(other.path): its \(layer) has \(widths.1) values, that of \(store.path) "
          + "\(widths.0).")
    }
  }

  private struct Neighbor {
    let row: Int
    let distance: Double
  }

  /// Indices among the usable rows of those that are asked for.
  private func queries(_ store: Store, _ usable: [Int]) throws -> [Int] {
    guard let query else {
      return RowChoice.spread(usable.count, atMost: isPage ? Self.mostShown : usable.count)
    }
    let bytes = Array(query.utf8)
    // A path first: a file may be called by a number.
    let index =
      usable.firstIndex { store.rows[$0].path.bytes.elementsEqual(bytes) }
      ?? Int(query).flatMap { usable.firstIndex(of: $0) }
    guard let index else {
      throw ValidationError(
        "--query \(query): \(self.store) has no such row that did not fail; rows.tsv names all.")
    }
    return [index]
  }

  private func agreement(
    _ store: Store, _ rows: [Int], _ source: Store, _ lists: [[Neighbor]]
  ) -> String {
    var (same, all) = (0, 0)
    for (row, list) in zip(rows, lists) {
      guard let label = store.rows[row].label else { continue }
      all += list.count
      same += list.filter { source.rows[$0.row].label == label }.count
    }
    return all == 0
      ? "no labels"
      : String(
        format: "%.1f %% of neighbors have the row's label", 100 * Double(same) / Double(all))
  }

  private func table(
    _ store: Store, _ rows: [Int], _ source: Store, _ lists: [[Neighbor]]
  ) -> [UInt8] {
    var bytes = Self.header
    func append(_ row: Int, of store: Store) {
      bytes += "\(row)\t".utf8
      FieldEscape.append(store.rows[row].path.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
      FieldEscape.append(store.rows[row].label?.bytes ?? [], to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
    }
    for (row, list) in zip(rows, lists) {
      for (rank, neighbor) in list.enumerated() {
        append(row, of: store)
        bytes += "\(rank + 1)\t".utf8
        append(neighbor.row, of: source)
        bytes += "\(neighbor.distance)\n".utf8
      }
    }
    return bytes
  }

  private func page(
    _ store: Store, _ rows: [Int], _ lists: [[Neighbor]], _ layer: String, _ team: ThreadTeam
  ) -> [UInt8] {
    let shown = Set(rows + lists.flatMap { $0.map(\.row) }).sorted()
    let images = Dictionary(
      uniqueKeysWithValues: zip(shown, thumbnails.images(of: store, shown, team)))
    func cell(_ row: Int, _ distance: Double?, isOther: Bool) -> ContactSheet.Cell {
      .init(
        image: images[row]!, name: store.rows[row].path.description,
        label: store.rows[row].label?.description ?? "",
        note: distance.map { String(format: "%.4g", $0) } ?? "row \(row)", isOther: isOther)
    }
    let lines = zip(rows, lists).map { row, list in
      [cell(row, nil, isOther: false)]
        + list.map {
          cell($0.row, $0.distance, isOther: store.labelIndex($0.row) != store.labelIndex(row))
        }
    }
    let title = "nearest rows by \(layer) of \(FileSystem.name(of: self.store))"
    return Array(ContactSheet(title: title, lines: lines).html.utf8)
  }

  private func write(_ bytes: [UInt8]) throws {
    do throws(SystemError) {
      let file = try ReplacementFile(output)
      try file.append(bytes)
      try file.commit()
    } catch { throw ClassificationError.cannotWrite(error) }
  }
}
