internal import ArgumentParser
internal import Classification
internal import Communication
internal import Embedding
internal import FeatureStore
internal import Files
internal import Formats
internal import Foundation
internal import Plotting
internal import Tensors

/// `decaf embed`.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Draw the rows of a layer on a plane, by class.",
    discussion: """
      t-SNE (van der Maaten and Hinton, 2008) keeps near rows near; --method pca draws the two \
      directions in which the rows vary most. Either gives the same bytes for any number of threads. \
      OUTPUT is a picture (.svg), a page to zoom and search with the image under the pointer \
      (.html), or the coordinates (.tsv with paths and labels; .npy, a row for each that is drawn), by \
      the ending of its name. It may take the place of one that was drawn before, and of no other \
      file. Under mpirun rank 0 works alone.

        decaf embed images.store --layer fc6 --output fc6.html
        decaf embed images.store --layer pool5 --compare fc6,fc7 --output layers.svg
        decaf embed llc.store --layer llc --project llc:512 \\
          --compare gist.store:gist,images.store:fc6 --output features.svg
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable {
    case tsne, pca
  }

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @OptionGroup var layer: LayerOptions

  @Option(help: "The file to write: .svg, .html, .tsv or .npy.")
  var output: String

  @Option(help: "tsne or pca.")
  var method = Method.tsne

  @Option(
    help: "More planes beside the first, of the same rows: L or STORE:L, separated by commas.")
  var compare: String?

  @Option(
    help: """
      LAYER:N, separated by commas: rows of a layer that is wider than N are projected to N random \
      directions (--seed) first, as the paper did with 512 of LLC's.
      """, transform: LayerWidths.init(parsing:))
  var project = LayerWidths()

  @Option(help: "t-SNE: about how many neighbors hold a row.")
  var perplexity = 30.0

  @Option(help: "The seed of what is left to chance.")
  var seed: UInt64 = 0

  @Option(help: "l2: scale each row to length 1 first.")
  var normalize = RowNormalization.none

  @Option(help: "The most rows that are drawn, spread evenly over the store.")
  var rows = 20_000

  @Flag(
    help: "Shapes tell the folder in which rows differ first (a domain); colors alone the class.")
  var domains = false

  @OptionGroup var thumbnails: ThumbnailOptions

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  enum Format: String, CaseIterable {
    case svg, html, tsv, npy
  }

  var format: Format? {
    Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
  }

  func validate() throws {
    if format == nil {
      throw ValidationError(
        "--output \(output): expected a name that ends in .svg, .html, .tsv or .npy.")
    }
    try OptionRange.check("--rows", rows, atLeast: 2)
    guard perplexity >= 1, perplexity <= 10_000 else {
      throw ValidationError("--perplexity \(perplexity): expected a number in 1...10000.")
    }
    if compare != nil, format == .tsv || format == .npy {
      throw ValidationError("--compare draws pictures: give --output a name in .svg or .html.")
    }
  }

  func run() throws {
    try checkOutput()
    RankNote.sayAlone("embed")
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    let team = threads.makeTeam()
    try check.run(store, team)
    let chosen = try RowChoice.spread(over: store, atMost: rows)
    var planes = [try plane(store, name, chosen, team)]
    for other in try EmbedSource.parse(compare, in: store) {
      try other.requireRows(of: store, chosen)
      planes.append(try plane(other.store, other.layer, chosen, team))
    }
    try write(store, chosen, planes, team)
    try store.requireUnchanged()
    print("rows        \(chosen.count) of \(store.rowCount), \(store.rows.failedCount) failed")
    for plane in planes { print("layer       \(plane.layer) (\(plane.width)): \(plane.summary)") }
    print("output      \(output)")
  }

  /// Refuses to replace what decaf did not draw.
  private func checkOutput() throws {
    try ExistingPicture.check(output) { start in
      switch format {
      case .tsv: start.starts(with: EmbedTable.header)
      // Coordinates of a plane, in single precision as ours are.
      case .npy: (try? NPYHeader.parse(start))?.0.shape.last == 2
      default: PictureMark.isIn(start)
      }
    }
  }

  private func plane(
    _ store: Store, _ layer: String, _ chosen: [Int], _ team: ThreadTeam
  ) throws -> EmbeddedPlane {
    var rows = FeatureRows(
      try store.layer(named: layer), rows: chosen, path: store.path,
      isNormalized: normalize == .l2)
    var title = "\(layer) of \(FileSystem.name(of: store.path))"
    if let width = project.widths[layer], width < rows.width {
      rows = try rows.projected(to: width, seed: seed, team: team)
      title += ", projected to \(width)"
    }
    let progress = StepProgress()
    defer { progress.finish() }
    return switch method {
    case .pca: try EmbeddedPlane(components: rows, title, layer, store.path, team, progress)
    case .tsne:
      try EmbeddedPlane(
        neighbors: rows, title, layer, store.path, perplexity: perplexity, seed: seed, team,
        progress)
    }
  }

  private func write(
    _ store: Store, _ chosen: [Int], _ planes: [EmbeddedPlane], _ team: ThreadTeam
  ) throws {
    let bytes: [UInt8]
    switch format {
    case .tsv: bytes = EmbedTable.bytes(store, chosen, planes[0].places)
    case .npy:
      let values = planes[0].places.flatMap { [Float($0.x), Float($0.y)] }
      var array = NPYHeader(elementType: .float32, shape: [chosen.count, 2]).bytes
      _ = ElementType.float32.append(values, to: &array)
      bytes = array
    case .html:
      let images = thumbnails.images(of: store, chosen, team)
      bytes = Array(ScatterPage(picture(store, chosen, planes, images)).html.utf8)
    default: bytes = Array(picture(store, chosen, planes, []).svg.utf8)
    }
    do throws(SystemError) {
      let file = try ReplacementFile(output)
      try file.append(bytes)
      try file.commit()
    } catch { throw ClassificationError.cannotWrite(error) }
  }

  private func picture(
    _ store: Store, _ chosen: [Int], _ planes: [EmbeddedPlane], _ images: [String]
  ) -> ScatterPlot {
    let labels = chosen.map { store.labelIndex($0) ?? store.classes.count }
    let used = Set(labels).sorted()
    let names = (store.classes.map(\.description) + ["no label"])
    let paths = chosen.map { store.rows[$0].path.description }
    let (marks, marked) = domains ? PathDomains.of(paths) : ([], [])
    let points = chosen.indices.map { i in
      ScatterPlot.Point(
        group: used.firstIndex(of: labels[i])!, mark: marks.isEmpty ? 0 : marked[i],
        tip: paths[i], image: images.isEmpty ? "" : images[i])
    }
    return ScatterPlot(
      title: "\(chosen.count) images by "
        + (planes.count == 1 ? planes[0].title : planes.map(\.layer).joined(separator: ", ")),
      panels: planes.map {
        .init(title: $0.title, xLabel: $0.xLabel, yLabel: $0.yLabel, places: $0.places)
      },
      points: points, groups: used.map { names[$0] }, marks: marks)
  }
}
