internal import ArgumentParser
internal import FeatureStore
internal import Foundation
internal import Interchange
internal import Tensors

/// A format by its name on the command line.
struct ExportFormatOption: ExpressibleByArgument {
  let format: any ExportFormat.Type

  init?(argument: String) {
    guard let format = ExportFormats.all.first(where: { $0.name == argument }) else { return nil }
    self.format = format
  }

  static var allValueStrings: [String] { ExportFormats.all.map { $0.name } }

  /// A line a format.
  static var summaries: String {
    let width = allValueStrings.map(\.count).max() ?? 0
    return ExportFormats.all.map {
      "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.summary)"
    }.joined(separator: "\n")
  }
}

/// `decaf export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a layer of a store for other programs.",
    discussion: """
      Rows that failed are left out, so row i of the output need not be row i of the store.

      \(ExportFormatOption.summaries)

      Values are written with as many digits as float32 needs to be read back the same.
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @Option(help: "What to write.")
  var format: ExportFormatOption

  @Option(help: "The layer; default: the store's only one.")
  var layer: String?

  @Option(help: "The file to write.")
  var output: String

  @Option(help: "Threads to write with; by default as many as there are processors.")
  var threads: Int?

  func validate() throws {
    try ThreadCount.check(threads)
  }

  func run() throws {
    let store = try Store(self.store)
    let names = store.provenance.layers.map(\.name)
    if layer == nil && names.count > 1 {
      throw ValidationError(
        "\(self.store) has several layers; give --layer, one of \(names.joined(separator: ", ")).")
    }
    let name = layer.map(LayerName.resolved) ?? names[0]
    let export = try StoreExport(store, layer: name, format: format.format)
    let team = ThreadTeam(threadCount: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let companion = try export.write(to: output, team: team)
    print(
      """
      rows        \(export.rows.count); left out: \(export.failedCount) failed, \
      \(export.unlabelledCount) without label
      layer       \(name) (\(export.width))
      output      \(output)
      """)
    if let companion { print("beside it   \(companion)") }
  }
}
