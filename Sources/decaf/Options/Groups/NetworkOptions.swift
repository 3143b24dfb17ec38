internal import ArgumentParser
internal import ConvNet

/// Options that choose the network and what goes into it.
struct NetworkOptions: ParsableArguments {
  @Option(help: "The weights: a \(WeightFormats.readEndings()) file.")
  var model: String

  @OptionGroup var input: InputOptions
}
