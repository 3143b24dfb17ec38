internal import ArgumentParser
internal import Classification
internal import FeatureStore
internal import Files
internal import Foundation
internal import Images
internal import LinearAlgebra
internal import Plotting
internal import Tensors

/// `decaf embed`.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Draw the rows of a layer on a plane, colored by class.",
    discussion: """
      The plane is that of the two directions in which the rows vary most (principal components). \
      OUTPUT is a picture (.svg), a page that tells the path of the image under the pointer (.html), \
      or the coordinates (.tsv), by the ending of its name. It may take the place of one that was \
      drawn before, and of no other file.

        decaf embed images.store --layer fc6 --output fc6.html
        decaf embed images.store --layer pool5 --rows 500 --output pool5.svg
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @OptionGroup var layer: LayerOptions

  @Option(help: "The file to write: .svg, .html or .tsv.")
  var output: String

  @Option(help: "l2: scale each row to length 1 first.")
  var normalize = RowNormalization.none

  @Option(help: "The most rows that are drawn, spread evenly over the store.")
  var rows = 2000

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  /// The first line of coordinates, by which they are known again.
  private static let header = Array("row\tpath\tlabel\tx\ty\n".utf8)

  private enum Format: String, CaseIterable {
    case svg, html, tsv
  }

  private var format: Format? {
    Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
  }

  func validate() throws {
    if format == nil {
      throw ValidationError("--output \(output): expected a name that ends in .svg, .html or .tsv.")
    }
    try OptionRange.check("--rows", rows, atLeast: 2)
  }

  func run() throws {
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    let stored = try store.layer(named: name)
    try ExistingPicture.check(output) { start in
      format == .tsv ? start.starts(with: Self.header) : PictureMark.isIn(start)
    }
    let team = threads.makeTeam()
    try check.run(store, team)
    let usable = (0..<store.rowCount).filter { store.status($0) == .ok }
    let count = min(rows, usable.count)
    let chosen = (0..<count).map { usable[$0 * usable.count / count] }
    let values = try chosen.flatMap { try self.values(stored, row: $0) }
    guard !values.isEmpty else { throw EmbedError.noRows(path: self.store) }
    let components = try PrincipalComponents(values, width: stored.width, count: 2, team: team)
    guard components.count > 0 else { throw EmbedError.noVariation(path: self.store) }
    try write(store, chosen, components, layer: name)
    let shares = components.shares.map { String(format: "%.1f %%", 100 * $0) }
    print(
      """
      rows        \(count) of \(store.rowCount), \(store.rows.failedCount) failed
      layer       \(name) (\(stored.width))
      variance    \(shares.joined(separator: ", ")) along the directions drawn
      output      \(output)
      """)
  }

  /// A row in double precision, scaled as asked for.
  private func values(_ layer: StoredLayer, row: Int) throws -> [Double] {
    let values = layer.floats(row..<row + 1).map(Double.init)
    guard values.allSatisfy(\.isFinite) else { throw EmbedError.notFinite(path: store, row: row) }
    let square = values.reduce(0) { $0 + $1 * $1 }
    guard normalize == .l2, square > 0 else { return values }
    let scale = 1 / square.squareRoot()
    return values.map { $0 * scale }
  }

  private func write(
    _ store: Store, _ rows: [Int], _ components: PrincipalComponents, layer: String
  ) throws {
    let count = components.count
    let points = rows.indices.map { i in
      (
        x: components.coordinates[i * count],
        y: count > 1 ? components.coordinates[i * count + 1] : 0
      )
    }
    let text: String
    if format == .tsv {
      text = coordinates(store, rows, points)
    } else {
      let picture = picture(store, rows, points, components, layer: layer)
      text = format == .svg ? picture.svg : picture.html
    }
    do throws(SystemError) {
      let file = try ReplacementFile(output)
      try file.append(Array(text.utf8))
      try file.commit()
    } catch { throw ClassificationError.cannotWrite(error) }
  }

  private func coordinates(
    _ store: Store, _ rows: [Int], _ points: [(x: Double, y: Double)]
  ) -> String {
    var bytes = Self.header
    for (row, point) in zip(rows, points) {
      let entry = store.rows[row]
      bytes += "\(row)\t".utf8
      FieldEscape.append(entry.path.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
      FieldEscape.append(entry.label?.bytes ?? [], to: &bytes)
      bytes += "\t\(point.x)\t\(point.y)\n".utf8
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func picture(
    _ store: Store, _ rows: [Int], _ points: [(x: Double, y: Double)],
    _ components: PrincipalComponents, layer: String
  ) -> ScatterPlot {
    var groups = [[(x: Double, y: Double, tip: String)]](
      repeating: [], count: store.classes.count + 1)
    for (row, point) in zip(rows, points) {
      let index = store.labelIndex(row) ?? store.classes.count
      groups[index].append((point.x, point.y, store.rows[row].path.description))
    }
    let names = store.classes.map(\.description) + ["no label"]
    func label(_ i: Int) -> String {
      let share = i < components.count ? components.shares[i] : 0
      return "component \(i + 1) (\(String(format: "%.1f", 100 * share)) % of the variance)"
    }
    return ScatterPlot(
      title: "\(layer) of \(FileSystem.name(of: self.store))",
      xLabel: label(0), yLabel: label(1),
      groups: zip(names, groups).filter { !$1.isEmpty }.map { .init(name: $0, points: $1) })
  }
}

/// Why rows cannot be drawn.
enum EmbedError: ErrorWithStatus, CustomStringConvertible {
  case noRows(path: String)
  case noVariation(path: String)
  case notFinite(path: String, row: Int)

  var description: String {
    switch self {
    case .noRows(let path): "cannot draw \(path): every row failed"
    case .noVariation(let path): "cannot draw \(path): all rows are the same"
    case .notFinite(let path, let row):
      "cannot draw \(path): row \(row) holds infinite values; `decaf verify` tells more"
    }
  }

  var exitStatus: ExitStatus { .badInput }
}
