internal import ArgumentParser
internal import ConvNet
internal import Files
internal import NetworkTraining

/// Options of commands that train a network.
struct NetworkTrainingOptions: ParsableArguments {
  @Option(help: "The model to write: a .safetensors file.")
  var output: String

  @Option(
    name: .customLong("replace"),
    help: ArgumentHelp(
      """
      A layer that starts anew, with so many outputs; without a number the network's last layer gets \
      one for each class of the list, others keep theirs. May be repeated.
      """, valueName: "layer[:outputs]"))
  var replace: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Images to try the network on after each epoch: a list, or a share of each class's images, \
      drawn by the seed, that is then not trained on.
      """, valueName: "list|fraction"))
  var validation: String?

  @Option(help: "The folder that relative paths of the lists start from; default: each list's own.")
  var root: String?

  @Option(
    help: """
      The input transform: a profile's name (\(InputTransform.presetNames.joined(separator: ", "))) or \
      a YAML file.
      """)
  var preprocess = "caffe"

  @Option(
    help: ArgumentHelp(
      """
      What is drawn anew for an image in each epoch: crop, its place in the resized image; mirror, \
      whether left and right are exchanged; or none. Default: crop,mirror, and none where all layers \
      before the first inner product are frozen, for their rows are then computed once.
      """, valueName: "crop,mirror|none"))
  var augment: String?

  @OptionGroup var solver: SolverOptions

  @Option(
    help: ArgumentHelp(
      "A factor of a layer's learning rate. May be repeated.", valueName: "layer:factor"))
  var rate: [String] = []

  @Option(
    help: ArgumentHelp(
      "A factor of a layer's weight decay. May be repeated.", valueName: "layer:factor"))
  var decay: [String] = []

  @Option(
    help: "Draws orders, crops, mirrors, dropout, new layers and validation images; default: 0.")
  var seed: UInt64?

  @Option(help: "Stop after so many hours, with status 75 and a checkpoint.")
  var maxHours: Double?

  @Option(help: "The least minutes between checkpoints that nobody asked for.")
  var checkpointMinutes = 10.0

  @Flag(help: "Replace OUTPUT, whatever is there, and a checkpoint of another training.")
  var overwrite = false

  func validate() throws {
    guard output.hasSuffix(".safetensors") else {
      throw ValidationError("--output \(output): expected a name that ends in .safetensors.")
    }
    try OptionRange.checkPositive("--max-hours", maxHours)
    try OptionRange.checkNotNegative("--checkpoint-minutes", checkpointMinutes)
    if let share = validationShare, !(share > 0 && share < 1) {
      throw ValidationError("--validation \(share): expected a list, or a share between 0 and 1.")
    }
    _ = try replacements()
    _ = try factors()
    _ = try augmentation()
  }

  /// The share of the images to validate on; nil for a list, or nothing.
  var validationShare: Double? { validation.flatMap { Double($0) } }

  /// Layers that start anew, and their outputs where a number says them.
  func replacements() throws -> [(layer: String, outputs: Int?)] {
    try replace.map { text in
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let count = parts.count > 1 ? Int(parts[1]) : nil
      guard !parts[0].isEmpty, parts.count == 1 || (count ?? 0) > 0 else {
        throw ValidationError("--replace \(text): expected LAYER or LAYER:OUTPUTS.")
      }
      return (String(parts[0]), count)
    }
  }

  /// Factors of layers' rates and decays.
  func factors() throws -> [String: ParameterRates] {
    var factors: [String: ParameterRates] = [:]
    for (option, texts, key) in [
      ("--rate", rate, \ParameterRates.rate), ("--decay", decay, \ParameterRates.decay),
    ] {
      for text in texts {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let factor = Float(parts[1]), factor >= 0, factor.isFinite else {
          throw ValidationError("\(option) \(text): expected LAYER:FACTOR, a factor of 0 or more.")
        }
        factors[String(parts[0]), default: ParameterRates()][keyPath: key] = factor
      }
    }
    return factors
  }

  /// What is drawn anew for each image; nil for the default.
  func augmentation() throws -> Augmentation? {
    guard let augment else { return nil }
    let words = Set(augment.split(separator: ",").map(String.init))
    if words == ["none"] { return Augmentation.none }
    guard !words.isEmpty, words.isSubset(of: ["crop", "mirror"]) else {
      throw ValidationError("--augment \(augment): expected crop, mirror, crop,mirror or none.")
    }
    return Augmentation(crops: words.contains("crop"), mirrors: words.contains("mirror"))
  }
}
