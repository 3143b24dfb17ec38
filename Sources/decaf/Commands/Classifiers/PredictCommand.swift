internal import ArgumentParser
internal import Classification
internal import Communication
internal import ConvNet
internal import Descriptors
internal import Extraction
internal import FeatureStore
internal import Files
internal import Foundation
internal import Images
internal import Logging
internal import Plotting
internal import Tensors

/// `decaf predict`.
struct PredictCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Label images with a classifier.",
    discussion: """
      Writes tab-separated lines: row, path, label, predicted, score, where score is the logit or \
      margin of the predicted class; predicted and score are empty for rows that failed.

      SOURCE is a store that holds the classifier's layer, made by the same network and input \
      transform. With --model it is an image list, a folder or an image instead: its features are extracted as \
      the classifier's were, into OUTPUT.store.partial, which is removed at the end; stopped early, \
      the same command continues. Exits with 65 when no row could be predicted.

        decaf predict fc6.safetensors new.store --output new.tsv
        decaf predict fc6.safetensors photos --model caffenet.safetensors \\
          --output photos.tsv
        decaf predict fc6.safetensors cat.jpg --model caffenet.safetensors \\
          --output cat.tsv

      A classifier of hand-made features needs no --model: SOURCE may be images for gist, and for llc with \
      --codebook.

        decaf predict llc.safetensors photos --codebook words.safetensors \\
          --output photos.tsv
      """)

  @Argument(help: "A classifier written by decaf train.")
  var classifier: String

  @Argument(help: "A store; with --model, an image list, a folder of class folders, or an image.")
  var source: String

  @Option(help: "The table to write.")
  var output: String

  @Option(help: "The weights the classifier's features were made with: SOURCE is a list of images.")
  var model: String?

  @Option(help: "The words that the classifier's llc features were coded by: as --model.")
  var codebook: String?

  @OptionGroup var networkChoice: NetworkChoice

  @Option(help: "The folder that a list's relative paths start from; default: the list's own.")
  var root: String?

  @Flag(help: "What is extracted already came from another --root; these are the same images.")
  var moved = false

  @Flag(help: "Replace OUTPUT, if it is there; else that ends with status 73.")
  var overwrite = false

  @Option(help: "Draw which classes were taken for which, of rows that have labels: an .svg file.")
  var confusion: String?

  @Flag(help: "Add a column with the score of each class.")
  var scores = false

  @OptionGroup var check: StoreCheckOptions

  @OptionGroup var result: ResultOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    if model != nil && codebook != nil {
      throw ValidationError("--model is of networks, --codebook of llc: give one of them.")
    }
    if let confusion, !confusion.hasSuffix(".svg") {
      throw ValidationError("--confusion \(confusion): expected a name that ends in .svg.")
    }
    if check.check && (model ?? codebook) != nil {
      throw ValidationError("--check goes with a store; with --model SOURCE is a list of images.")
    }
    if networkChoice.network != nil && model == nil {
      throw ValidationError("--network goes with --model, which makes SOURCE a list of images.")
    }
  }

  static var stopsInOrder: Bool { true }

  func run(in context: CommandContext) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    // A table does not tell what made it.
    _ = try context.shared { try ExistingOutput.decide(output, overwrite: overwrite) }
    let (classifierFile, classifier) = try context.communicator.agree {
      if FileSystem.isFolder(self.classifier) {
        throw ValidationError(
          "\(self.classifier) is a folder, expected a classifier: a file that decaf train has written; "
            + "the store comes after it.")
      }
      if context.isRoot {
        try Classifier.checkWritable(output)
        if let confusion { try ExistingPicture.check(confusion, isOwn: PictureMark.isIn) }
      }
      return (try InputFile(self.classifier), try Classifier.load(self.classifier))
    }
    let extracted = try extract(for: classifier, context, team)
    if let extracted, extracted.isStoppedEarly { return .stoppedEarly }
    let store = try context.communicator.agree {
      if extracted == nil, root != nil || moved {
        throw ValidationError(
          "--root and --moved go with --model, which makes SOURCE a list of images.")
      }
      if extracted == nil, !FileSystem.isFolder(source),
        try FileSystem.byteCount(of: source) != nil
      {
        throw ValidationError(
          "\(source) is a file and no store; features of an image, or of a list of images, are made by "
            + "the network's weights: give them with --model.")
      }
      let store = try Store(extracted?.store ?? source)
      _ = try store.layer(named: classifier.features.layer)
      return store
    }
    if extracted == nil { try check.run([store], context, team) }
    PausePoint.inputsAreOpen()
    let summary = try context.using(store.inputs) {
      try context.agreeing {
        try Predictor(classifier, communicator: context.communicator, team: team)
          .predict(store, output: output, includesScores: scores) {
            try context.requireUnchanged([classifierFile] + store.inputs)
          }
      }
    }
    if context.isRoot {
      if let extracted { try FileManager.default.removeItem(atPath: extracted.store) }
      try result.show(summary.json(output: output), text: summary.text(output: output))
      if let confusion { try draw(summary, classifier, to: confusion, context) }
    }
    if summary.predicted > 0 { return .done }
    if context.isRoot { context.log.error("no row could be predicted") }
    return .badInput
  }

  /// Draws the confusion of labelled rows.
  private func draw(
    _ summary: PredictionSummary, _ classifier: Classifier, to path: String,
    _ context: CommandContext
  ) throws {
    guard let accuracy = summary.accuracy else {
      context.log.warning(
        "--confusion: no row has a label that the classifier knows: nothing is drawn")
      return
    }
    let percent = String(format: "%.1f", 100 * accuracy)
    let matrix = ConfusionMatrix(
      title: "\(FileSystem.name(of: source)): \(percent) % of \(summary.labelled) rows are right",
      classes: classifier.classes, counts: summary.confusion)
    try ExistingPicture.write(matrix.svg, to: path)
  }

  func printPlan() throws {
    let classifier = try Classifier.load(self.classifier)
    let rows =
      try !takesImages(classifier)
      ? "store, \(Store(source).rowCount) rows"
      : "list, \(ImageList(contentsOf: source, root: root).count) images"
    print(
      """
      classifier  \(self.classifier): \(classifier.classes.count) classes, \
      layer \(classifier.features.layer)
      source      \(source): \(rows)
      predictions \(output)
      """)
  }

  /// Makes a store of the listed images as the classifier's features were made; nil when the source
  /// is a store.
  private func extract(
    for classifier: Classifier, _ context: CommandContext, _ team: ThreadTeam
  ) throws -> (store: String, isStoppedEarly: Bool)? {
    let store = output + ".store.partial"
    let request = try context.communicator.agree { () -> ExtractionRequest? in
      guard try takesImages(classifier) else { return nil }
      return try makeRequest(for: classifier, store: store)
    }
    guard let request else { return nil }
    let summary = try ExtractionJob(
      request, communicator: context.communicator, team: team, log: context.log
    ).run()
    var isStopped = [Int64(summary.stopReason == nil ? 0 : 1)]
    try context.communicator.allreduce(&isStopped, .maximum)
    if context.isRoot && !result.json { print(summary.text(store: store)) }
    return (store, isStopped[0] != 0)
  }

  /// Whether the source is images, whose features are to be made.
  private func takesImages(_ classifier: Classifier) throws -> Bool {
    if model != nil || codebook != nil { return true }
    if classifier.features.recipe.descriptor == nil { return false }
    return try !FileSystem.isFolder(source) || StoreInspection.of(source) == nil
  }

  /// The request that makes features as the classifier's were made, by the model's own recipe.
  ///
  /// - Throws: `ClassificationError.incompatibleFeatures` when this model, or this program, makes
  ///   others: before anything is extracted.
  private func makeRequest(
    for classifier: Classifier, store: String
  ) throws -> ExtractionRequest {
    let features = classifier.features
    let path = model ?? codebook ?? source
    var options: RecipeOptions
    do throws(ProblemError) { options = try RecipeOptions(features.recipe) } catch {
      throw ClassificationError.incompatibleFeatures(source: path, differences: [error.text])
    }
    let kind = model == nil ? features.recipe.descriptor.flatMap(DescriptorKind.init) : nil
    let choice = kind.map { DescriptorChoice($0, codebook: codebook) }
    let recipe: FeatureRecipe
    if let choice {
      recipe = try DescriptorSource(choice, options).recipe
    } else if let model {
      let opened = try Model.open(
        model, architecture: try networkChoice.architecture() ?? options.architecture)
      options.architecture = opened.architecture
      recipe = try options.completed(by: opened)
    } else {
      throw ValidationError(
        "--codebook is of llc: \(self.classifier) was trained on a network's features, whose weights "
          + "--model gives.")
    }
    try classifier.check(
      FeatureOrigin(recipe: recipe, layer: features.layer, width: features.width), of: path)

    var request = ExtractionRequest(options)
    request.list = source
    request.root = root
    request.isMoved = moved
    request.model = model ?? ""
    request.descriptor = choice
    request.output = store
    request.program = Version.program
    request.programFacts = Version.facts
    if choice == nil { request.layers = [try BlobName(parsing: features.layer)] }
    return request
  }
}
