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
        decaf neighbors images.store --layer fc6 --query cats/7.jpg --output near.html
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @OptionGroup var layer: LayerOptions

  @Option(help: "A row's number, or its path as the list had it; default: every row.")
  var query: String?

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
    let usable = (0..<store.rowCount).filter { store.status($0) == .ok }
    guard !usable.isEmpty else { throw EmbeddingError.noRows(path: self.store) }
    let queries = try queries(store, usable)
    let rows = FeatureRows(
      try store.layer(named: name), rows: usable, path: store.path,
      isNormalized: normalize == .l2)
    var values = [Float]()
    values.reserveCapacity(usable.count * rows.width)
    try rows.append(0..<usable.count, to: &values)
    let found = Neighborhoods(
      of: values, width: rows.width, queries: queries, size: count, team: team)
    let lists = queries.indices.map { i in
      (i * found.size..<(i + 1) * found.size).map {
        Neighbor(row: usable[Int(found.indices[$0])], distance: found.squares[$0].squareRoot())
      }
    }
    let asked = queries.map { usable[$0] }
    try write(isPage ? page(store, asked, lists, name, team) : table(store, asked, lists))
    try store.requireUnchanged()
    print(
      """
      queries     \(queries.count) of \(store.rowCount) rows, \(store.rows.failedCount) failed
      layer       \(name) (\(rows.width))
      agreement   \(agreement(store, asked, lists))
      output      \(output)
      """)
  }

  private struct Neighbor {
    let row: Int
    let distance: Double
  }

  /// Indices among the usable rows of those that are asked for.
  private func queries(_ store: Store, _ usable: [Int]) throws -> [Int] {
    guard let query else {
      if !isPage || usable.count <= Self.mostShown { return Array(usable.indices) }
      return (0..<Self.mostShown).map { $0 * usable.count / Self.mostShown }
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

  private func agreement(_ store: Store, _ rows: [Int], _ lists: [[Neighbor]]) -> String {
    var (same, all) = (0, 0)
    for (row, list) in zip(rows, lists) {
      guard let label = store.labelIndex(row) else { continue }
      all += list.count
      same += list.filter { store.labelIndex($0.row) == label }.count
    }
    return all == 0
      ? "no labels"
      : String(
        format: "%.1f %% of neighbors have the row's label", 100 * Double(same) / Double(all))
  }

  private func table(_ store: Store, _ rows: [Int], _ lists: [[Neighbor]]) -> [UInt8] {
    var bytes = Self.header
    func append(_ row: Int) {
      bytes += "\(row)\t".utf8
      FieldEscape.append(store.rows[row].path.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
      FieldEscape.append(store.rows[row].label?.bytes ?? [], to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
    }
    for (row, list) in zip(rows, lists) {
      for (rank, neighbor) in list.enumerated() {
        append(row)
        bytes += "\(rank + 1)\t".utf8
        append(neighbor.row)
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
