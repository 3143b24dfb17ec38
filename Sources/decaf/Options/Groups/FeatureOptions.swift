internal import ArgumentParser
internal import ConvNet
internal import Descriptors
internal import Extraction

/// Options that choose what features are made by: a network, or a hand-made descriptor.
struct FeatureOptions: ParsableArguments {
  @Option(help: "The weights: a \(WeightFormats.readEndings()) file.")
  var model: String?

  @Option(
    help: """
      A hand-made feature in place of a network's: gist (Oliva and Torralba 2001) or llc (Wang et al. \
      2010).
      """)
  var descriptor: DescriptorKind?

  @Option(help: "llc: the words that it codes by, a file that decaf codebook has written.")
  var codebook: String?

  @OptionGroup var input: InputOptions

  /// The descriptor that is named, if one is.
  var choice: DescriptorChoice? { descriptor.map { DescriptorChoice($0, codebook: codebook) } }

  func validate() throws {
    guard let descriptor else {
      if model == nil {
        throw ValidationError(
          "Give the weights with --model, or name a hand-made feature with --descriptor.")
      }
      if codebook != nil { throw ValidationError("--codebook goes with --descriptor llc.") }
      return
    }
    let others: [(name: String, isGiven: Bool)] = [
      ("--model", model != nil), ("--network", input.networkChoice.network != nil),
      ("--preprocess", input.preprocess != nil), ("--views", input.views != .center),
      ("--precision", input.precision != .fp32),
    ]
    if let other = others.first(where: \.isGiven) {
      throw ValidationError(
        "\(other.name) is of networks: it does not go with --descriptor \(descriptor.rawValue).")
    }
    if descriptor.needsCodebook && codebook == nil {
      throw ValidationError(
        "--descriptor \(descriptor.rawValue) codes by words: give their file with --codebook; "
          + "decaf codebook makes one.")
    }
    if !descriptor.needsCodebook && codebook != nil {
      throw ValidationError("--descriptor \(descriptor.rawValue) has no use for --codebook.")
    }
  }

  /// - Throws: `InputTransformError`, `ModelError`.
  func makeRecipe() throws -> RecipeOptions {
    guard let descriptor else { return try input.makeRecipe() }
    var recipe = RecipeOptions(transform: descriptor.transform)
    recipe.decode = input.decode
    return recipe
  }
}
