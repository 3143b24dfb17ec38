internal import ArgumentParser
internal import Communication
internal import Embedding
internal import FeatureStore
internal import Files
internal import Foundation
internal import LinearAlgebra
internal import Plotting
internal import Tensors

/// Rows on a plane, and what is said about them.
struct EmbeddedPlane {
  let title: String
  let layer: String
  let width: Int
  let places: [(x: Double, y: Double)]
  let (xLabel, yLabel): (String, String)
  let summary: String

  /// Components that nearest neighbours are found in (van der Maaten and Hinton, 2008, section 4.2:
  /// less noise, less time).
  private static let componentCount = 50

  /// The two directions in which the rows vary most.
  init(
    components rows: FeatureRows, _ title: String, _ layer: String, _ path: String,
    _ team: ThreadTeam, _ progress: StepProgress
  ) throws {
    // More passes than t-SNE needs: here the directions themselves are seen.
    let found = try Self.components(rows, 2, path, seed: 0, passes: 10, team, progress)
    let labels = (0..<2).map { i in
      let share = i < found.count ? found.shares[i] : 0
      return "component \(i + 1) (\(String(format: "%.1f", 100 * share)) % of the variance)"
    }
    (self.title, self.layer, width) = (title, layer, rows.width)
    (xLabel, yLabel) = (labels[0], labels[1])
    places = rows.rows.indices.map { i in
      (
        Double(found.coordinates[i * found.count]),
        found.count > 1 ? Double(found.coordinates[i * found.count + 1]) : 0
      )
    }
    let shares = found.shares.map { String(format: "%.1f %%", 100 * $0) }
    summary = "\(shares.joined(separator: ", ")) of the variance along the directions drawn"
  }

  /// t-SNE of the first 50 components.
  init(
    neighbors rows: FeatureRows, _ title: String, _ layer: String, _ path: String,
    perplexity: Double, seed: UInt64, _ team: ThreadTeam, _ progress: StepProgress
  ) throws {
    let count = rows.rows.count
    let found = try Self.components(
      rows, Self.componentCount, path, seed: seed, passes: 4, team, progress)
    let size = max(1, Int(perplexity) * Affinities.neighborsPerPerplexity)
    let near = Neighborhoods(
      of: found.coordinates, width: found.count, size: size, team: team,
      progress: { progress.show("nearest rows", $0, of: $1) })
    let graph = Affinities(near, count: count, perplexity: perplexity, team: team).graph
    let start = TSNE.start(found.coordinates, width: found.count, seed: seed)
    let options = TSNE.Options()
    let result = TSNE(graph, start: start, options: options, team: team) {
      progress.show("t-SNE, iteration", $0, of: options.iterations)
    }
    (self.title, self.layer, width) = (title, layer, rows.width)
    (xLabel, yLabel) = ("t-SNE, perplexity \(String(format: "%g", perplexity))", "")
    places = (0..<count).map { (result.coordinates[2 * $0], result.coordinates[2 * $0 + 1]) }
    let share = String(format: "%.1f", 100 * found.shares.reduce(0, +))
    summary =
      "\(found.count) components hold \(share) % of the variance; divergence "
      + String(format: "%.3f", result.divergence)
  }

  private static func components(
    _ rows: FeatureRows, _ count: Int, _ path: String, seed: UInt64, passes: Int,
    _ team: ThreadTeam, _ progress: StepProgress
  ) throws -> StreamedComponents {
    let found = try StreamedComponents(
      rowCount: rows.rows.count, width: rows.width, count: count, seed: seed, passes: passes,
      team: team, read: { try rows.append($0, to: &$1) },
      pass: { progress.show("principal components, pass", $0 + 1, of: $1) })
    guard found.count > 0 else { throw EmbeddingError.noVariation(path: path) }
    return found
  }
}

/// A layer that is compared: of the command's store or of another.
struct EmbedSource {
  let store: Store
  let layer: String

  /// - Parameter text: `L` or `STORE:L`, separated by commas; a layer's name may have a colon, too.
  /// - Throws: `StoreError`, `ValidationError`.
  static func parse(_ text: String?, in store: Store) throws -> [EmbedSource] {
    try (text ?? "").split(separator: ",").map { item in
      let names = store.provenance.layers.map(\.name)
      let whole = LayerName.resolved(String(item))
      if names.contains(whole) { return EmbedSource(store: store, layer: whole) }
      for colon in item.indices where item[colon] == ":" {
        let path = String(item[..<colon])
        if !FileSystem.isFolder(path) { continue }
        let layer = LayerName.resolved(String(item[item.index(after: colon)...]))
        return EmbedSource(store: try Store(path), layer: layer)
      }
      throw ValidationError(
        "--compare \(item): expected one of \(names.joined(separator: ", ")), or STORE:LAYER with a "
          + "store that is there.")
    }
  }

  /// - Throws: `EmbedError.otherRows` unless the rows are of the same images.
  func requireRows(of other: Store, _ chosen: [Int]) throws {
    let row =
      store.rowCount == other.rowCount
      ? chosen.first {
        store.rows[$0].path != other.rows[$0].path || store.status($0) != .ok
      } : min(store.rowCount, other.rowCount)
    if let row { throw EmbedError.otherRows(path: store.path, than: other.path, row: row) }
  }
}

/// Why layers cannot be compared.
enum EmbedError: ErrorWithStatus, CustomStringConvertible {
  case otherRows(path: String, than: String, row: Int)

  var description: String {
    switch self {
    case .otherRows(let path, let than, let row):
      "cannot compare \(path) with \(than): row \(row) is not the same image, or failed; make both "
        + "stores of one list"
    }
  }

  var exitStatus: ExitStatus { .badInput }
}

/// Coordinates as a table.
enum EmbedTable {
  /// The first line, by which a table is known again.
  static let header = Array("row\tpath\tlabel\tx\ty\n".utf8)

  static func bytes(_ store: Store, _ rows: [Int], _ places: [(x: Double, y: Double)]) -> [UInt8] {
    var bytes = header
    for (row, place) in zip(rows, places) {
      let entry = store.rows[row]
      bytes += "\(row)\t".utf8
      FieldEscape.append(entry.path.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
      FieldEscape.append(entry.label?.bytes ?? [], to: &bytes)
      bytes += "\t\(place.x)\t\(place.y)\n".utf8
    }
    return bytes
  }
}

/// What a path's images come from: the first folder in which paths differ.
enum PathDomains {
  /// The folders' names, sorted, and the index of each path's; empty where paths have no folders in
  /// which they differ.
  static func of(_ paths: [String]) -> (names: [String], indices: [Int]) {
    let parts = paths.map { $0.split(separator: "/").dropLast().map { String($0) } }
    let depth = parts.map(\.count).min() ?? 0
    guard let level = (0..<depth).first(where: { i in parts.contains { $0[i] != parts[0][i] } })
    else { return ([], []) }
    let names = Set(parts.map { $0[level] }).sorted()
    return (names, parts.map { names.firstIndex(of: $0[level])! })
  }
}

/// What a command that one process does says under a launcher.
enum RankNote {
  static func sayAlone(_ command: String) {
    let environment = ProcessInfo.processInfo.environment
    guard let size = environment["OMPI_COMM_WORLD_SIZE"] ?? environment["PMI_SIZE"], size != "1"
    else { return }
    StandardError.write(
      "decaf: \(command): rank 0 works alone, with its own threads; the other ranks have ended\n")
  }
}
