import ArgumentParser

/// `decaf model`: weight files in and out.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Inspect, convert and generate weight files.",
    discussion: """
        decaf model inspect caffenet.caffemodel
        decaf model convert caffenet.caffemodel caffenet.safetensors
        decaf model generate --output untrained.safetensors
      """,
    subcommands: [ModelInspect.self, ModelConvert.self, ModelGenerate.self])
}
