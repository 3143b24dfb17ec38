internal import ArgumentParser
internal import ConvNet

/// The option that names the network.
struct NetworkChoice: ParsableArguments {
  @Option(
    name: [.customLong("network"), .customLong("architecture")],
    help: ArgumentHelp(
      """
      The network: \(Architecture.allCases.map(\.rawValue).joined(separator: ", ")), or a \
      .prototxt file of a chain of layers. By default the one that the weights' file tells, by its \
      own description, its name, or names and shapes of its weights; else caffenet, which pools before \
      it normalizes, as DeCAF does.
      """, valueName: "name|file"),
    completion: .file(extensions: ["prototxt"]))
  var network: String?

  /// The network that is named, if one is.
  ///
  /// - Throws: `ModelError` for a file that cannot be read, or that asks for what is not computed.
  func architecture() throws -> Architecture? { try network.map { try Architecture.named($0) } }
}
