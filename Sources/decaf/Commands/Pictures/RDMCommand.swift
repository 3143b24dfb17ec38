internal import ArgumentParser
internal import Classification
internal import Embedding
internal import FeatureStore
internal import Files
internal import Formats
internal import Foundation
internal import Plotting
internal import Tensors

/// `decaf rdm`.
struct RDMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rdm",
    abstract: "How unlike rows are, pair by pair: a representational dissimilarity matrix.",
    discussion: """
      A pair's dissimilarity is 1 less the Pearson correlation of its values (Kriegeskorte, Mur and \
      Bandettini, 2008). Rows come by class, then in their order. OUTPUT is a matrix (.npy), a table \
      with the rows' paths (.tsv) or a picture (.svg), by the ending of its name; it may take the place \
      of one that decaf made before, and of no other file. --compare prints Spearman's correlation \
      between the layers' matrices.

        decaf rdm images.store --layer fc6 --output fc6.svg
        decaf rdm images.store --layer fc6 --compare fc7,pool5 --output fc6.npy
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @OptionGroup var layer: LayerOptions

  @Option(help: "Other layers of the same rows: L or STORE:L, separated by commas.")
  var compare: String?

  @Option(help: "The file to write: .npy, .tsv or .svg.")
  var output: String

  @Option(help: "The most rows, spread evenly over the store; memory grows with their square.")
  var rows = 2000

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  enum Format: String, CaseIterable {
    case npy, tsv, svg
  }

  private var format: Format? {
    Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
  }

  private static let header = Array("row\tpath\tlabel\tdissimilarities\n".utf8)

  func validate() throws {
    if format == nil {
      throw ValidationError(
        "--output \(output): expected a name that ends in .npy, .tsv or .svg.")
    }
    try OptionRange.check("--rows", rows, in: 2...30_000)
  }

  func run() throws {
    try ExistingPicture.check(output) { start in
      switch format {
      case .tsv: start.starts(with: Self.header)
      case .npy:
        (try? NPYHeader.parse(start)).map {
          $0.0.shape.count == 2 && $0.0.shape[0] == $0.0.shape[1]
        } ?? false
      default: PictureMark.isIn(start)
      }
    }
    RankNote.sayAlone("rdm")
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    let team = threads.makeTeam()
    try check.run(store, team)
    let chosen = try RowChoice.spread(over: store, atMost: rows).sorted {
      (store.labelIndex($0) ?? .max, $0) < (store.labelIndex($1) ?? .max, $1)
    }
    let matrix = try dissimilarities(store, name, chosen, team)
    var correlations = [String]()
    for other in try EmbedSource.parse(compare, in: store) {
      try other.requireRows(of: store, chosen)
      let found = Dissimilarities.rankCorrelation(
        matrix, try dissimilarities(other.store, other.layer, chosen, team))
      correlations.append(
        "correlation \(name) with \(other.layer) of \(FileSystem.name(of: other.store.path)): "
          + (found.map { String(format: "%.4f", $0) } ?? "none, one of them is all alike"))
    }
    try write(matrix, store, chosen, name)
    try store.requireUnchanged()
    let width = try store.layer(named: name).width
    print("rows        \(chosen.count) of \(store.rowCount), \(store.rows.failedCount) failed")
    print("layer       \(name) (\(width))")
    for line in correlations { print(line) }
    print("output      \(output)")
  }

  private func dissimilarities(
    _ store: Store, _ layer: String, _ chosen: [Int], _ team: ThreadTeam
  ) throws -> Dissimilarities {
    let rows = FeatureRows(
      try store.layer(named: layer), rows: chosen, path: store.path, isNormalized: false)
    return try Dissimilarities(count: chosen.count, width: rows.width, team: team) {
      try rows.append($0, to: &$1)
    }
  }

  private func write(
    _ matrix: Dissimilarities, _ store: Store, _ chosen: [Int], _ layer: String
  ) throws {
    let bytes: [UInt8]
    switch format {
    case .npy:
      var array =
        NPYHeader(elementType: .float32, shape: [matrix.count, matrix.count]).bytes
      _ = ElementType.float32.append(matrix.values, to: &array)
      bytes = array
    case .tsv: bytes = table(matrix, store, chosen)
    default:
      let labels = chosen.map { store.rows[$0].label?.description ?? "no label" }
      let picture = DissimilarityMap(
        title: "Dissimilarity by \(layer) of \(FileSystem.name(of: self.store))",
        labels: labels, values: matrix.values)
      bytes = Array(picture.svg.utf8)
    }
    do throws(SystemError) {
      let file = try ReplacementFile(output)
      try file.append(bytes)
      try file.commit()
    } catch { throw ClassificationError.cannotWrite(error) }
  }

  private func table(_ matrix: Dissimilarities, _ store: Store, _ chosen: [Int]) -> [UInt8] {
    var bytes = Self.header
    for (index, row) in chosen.enumerated() {
      bytes += "\(row)\t".utf8
      FieldEscape.append(store.rows[row].path.bytes, to: &bytes)
      bytes.append(UInt8(ascii: "\t"))
      FieldEscape.append(store.rows[row].label?.bytes ?? [], to: &bytes)
      for value in matrix.values[index * matrix.count..<(index + 1) * matrix.count] {
        bytes += "\t\(value)".utf8
      }
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}
