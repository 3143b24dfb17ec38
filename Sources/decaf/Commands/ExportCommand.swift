internal import ArgumentParser
internal import FeatureStore
internal import Files
internal import Interchange

/// `decaf export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a layer of a store for other programs.",
    discussion: """
      Rows that failed are left out, so row i of the output need not be row i of the store.

      \(ExportFormatOption.summaries)

      Values are written with as many digits as float32 needs to be read back the same.

        decaf export images.store --format svmlight --layer fc6 --output fc6.svm
        decaf export images.store --format csv --layer fc6 --output fc6.csv
      """)

  @Argument(help: "The store.", completion: .directory)
  var store: String

  @Option(help: "What to write.")
  var format: ExportFormatOption

  @OptionGroup var layer: LayerOptions

  @Option(help: "The file to write.")
  var output: String

  @Flag(help: "Replace OUTPUT, if it is there; else that ends with status 73.")
  var overwrite = false

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Writing>

  func run() throws {
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    PausePoint.inputsAreOpen()
    let export = try StoreExport(store, layer: name, format: format.format)
    for path in export.paths(output) {
      _ = try ExistingOutput.decide(path, overwrite: overwrite)
    }
    let team = threads.makeTeam()
    try check.run(store, team)
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
