internal import ArgumentParser
internal import Classification
internal import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Interchange

/// `decaf export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a layer of a store, or a classifier, for other programs.",
    discussion: """
      Rows that failed are left out, so row i of the output need not be row i of the store.

      \(ExportFormatOption.summaries)

      Values are written with as many digits as float32 needs to be read back the same.

        decaf export images.store --format svmlight --layer fc6 --output fc6.svm
        decaf export images.store --format csv --layer fc6 --output fc6.csv
        decaf export fc6.safetensors --format onnx --output fc6.onnx
      """)

  @Argument(help: "The store; of --format onnx, a classifier.", completion: .file())
  var store: String

  @Option(help: "What to write.")
  var format: ExportFormatOption

  @OptionGroup var layer: LayerOptions

  @Option(help: "The file to write.")
  var output: String

  @Flag(help: "Replace OUTPUT, if it is there; else that ends with status 73.")
  var overwrite = false

  @Option(help: "Of --format onnx: the weights of the network to put before the classifier.")
  var model: String?

  @OptionGroup var networkChoice: NetworkChoice

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var threads: ThreadOptions<Writing>

  private var isONNX: Bool { if case .onnx = format { true } else { false } }

  func validate() throws {
    if !isONNX && (model != nil || networkChoice.network != nil) {
      throw ValidationError("--model and --network go with --format onnx.")
    }
    if model == nil && networkChoice.network != nil {
      throw ValidationError("--network goes with --model.")
    }
    if isONNX && (layer.layer != nil || check.check) {
      throw ValidationError("--format onnx takes a classifier, which has no --layer and --check.")
    }
  }

  func run() throws {
    switch format {
    case .store(let format): try exportStore(format)
    case .onnx: try exportClassifier()
    }
  }

  private func exportClassifier() throws {
    if FileSystem.isFolder(store) {
      throw ValidationError(
        "\(store) is a folder; --format onnx takes a classifier: a file that decaf train has written."
      )
    }
    let file = try InputFile(store)
    let classifier = try Classifier.load(store)
    _ = try ExistingOutput.decide(output, overwrite: overwrite)
    PausePoint.inputsAreOpen()
    var inputs = [file]
    let graph: ClassifierGraph
    if let model {
      let network = try Model.open(model, architecture: try networkChoice.architecture())
      for warning in network.warnings { StandardError.write("decaf: warning: \(warning)\n") }
      inputs += network.inputs
      graph = try ClassifierGraph(classifier, behind: network)
    } else {
      graph = try ClassifierGraph(classifier)
    }
    try inputs.requireUnchanged()
    try graph.write(to: output)
    print(
      """
      classifier  \(classifier.classes.count) classes, layer \(classifier.features.layer)
      input       \(model == nil ? "features, N × \(classifier.width)" : "the network's, mean subtracted")
      output      \(output)
      """)
  }

  private func exportStore(_ format: any ExportFormat.Type) throws {
    let store = try Store(self.store)
    let name = try layer.name(in: store)
    PausePoint.inputsAreOpen()
    let export = try StoreExport(store, layer: name, format: format)
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
