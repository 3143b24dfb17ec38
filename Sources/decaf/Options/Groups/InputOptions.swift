internal import ArgumentParser
internal import ConvNet
internal import Extraction
internal import Images

/// Options that choose the network's kind, and what goes into it and how.
struct InputOptions: ParsableArguments {
  @OptionGroup var networkChoice: NetworkChoice

  @Option(
    help: """
      The input transform: a profile's name (\(InputTransform.presetNames.joined(separator: ", "))), \
      whose crops are as large as the network's input, or a YAML file. Default: the one that the network \
      names, else caffe.
      """)
  var preprocess: String?

  @Option(
    help: """
      center crop; ten: the mean over four corners, centre and their mirrors; ten-all: all ten.
      """)
  var views = Views.center

  @Option(
    help: """
      exact: every pixel of the file; fast: large images at a half, quarter or eighth of their size, \
      never below what they are resized to.
      """)
  var decode = DecodeMode.exact

  @Option(
    help: """
      fp32; bf16: convolutions from conv2 on multiply numbers of 8 bits, on processors with AMX only: up \
      to 1.6 times as fast, and features differ by 0.3 % of their length.
      """)
  var precision = Precision.fp32

  /// The network that is named, if one is.
  ///
  /// - Throws: `ModelError`.
  func architecture() throws -> Architecture? { try networkChoice.architecture() }

  /// The recipe as far as it is known without the model; `settle` makes it whole.
  ///
  /// - Throws: `InputTransformError`, `ModelError`.
  func makeRecipe() throws -> RecipeOptions {
    var recipe = try RecipeOptions(preprocess: preprocess)
    recipe.architecture = try architecture()
    recipe.views = views
    recipe.decode = decode
    recipe.precision = precision
    return recipe
  }
}
