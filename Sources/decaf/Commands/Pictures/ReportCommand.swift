internal import ArgumentParser
internal import FeatureStore
internal import Files
internal import Plotting
internal import Tensors

/// `decaf report`.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Put what is known of a store and its results on one page.",
    discussion: """
      SOURCES are a store, results of decaf evaluate, a classifier, a table of decaf predict, and a trained \
      network or its .history.tsv: one of them, or several, each known by what is in it. The page has \
      what they hold: provenance, throughput by rank and over time, layer times, failures, classes, \
      nearest neighbors, accuracies, confusion with the images that were confused, learning curves; and \
      it says what is not on it. It is one file that needs no network and no script, and prints. It may \
      take the place of a page that decaf made before, and of no other file.

        decaf report images.store --output report.html
        decaf report images.store fc6.safetensors predictions.tsv \\
          caltech101.results --output report.html
      """)

  @Argument(
    help: "A store, results, a classifier, predictions, a training's history; several of them.",
    completion: .file())
  var sources: [String]

  @Option(name: [.short, .long], help: "The page to write: an .html file.")
  var output: String

  @Option(help: "The layer that neighbors are near by; default: the store's last.")
  var layer: String?

  @OptionGroup var thumbnails: ThumbnailOptions

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  func validate() throws {
    if !output.hasSuffix(".html") {
      throw ValidationError("--output \(output): expected a name that ends in .html.")
    }
  }

  func run() throws {
    try ExistingPicture.check(output, isOwn: PictureMark.isIn)
    RankNote.sayAlone("report")
    let opened = try sources.map { try ReportSource.open($0) }
    let stores = opened.compactMap { if case .store(let store) = $0 { store } else { nil } }
    if layer != nil && stores.isEmpty {
      throw ValidationError("--layer is of a store: give one.")
    }
    let team = threads.makeTeam()
    for store in stores { try check.run(store, team) }
    let progress = StepProgress()
    defer { progress.finish() }
    let builder = ReportBuilder(
      sources: opened, layer: layer, thumbnails: thumbnails, team: team, progress: progress)
    let page = try builder.page(
      title: "Report: \(sources.map { FileSystem.name(of: $0) }.joined(separator: ", "))")
    let html = page.html
    for store in stores { try store.requireUnchanged() }
    try ExistingPicture.write(html, to: output)
    progress.finish()
    print(
      """
      sections    \(page.sections.map(\.title).joined(separator: ", "))
      left out    \(page.absences.isEmpty ? "nothing" : "\(page.absences.count); the page says what brings them")
      output      \(output), \(html.utf8.count) bytes
      """)
  }
}
